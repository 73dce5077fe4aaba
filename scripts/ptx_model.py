"""Runs a kernel's PTX, one thread of it, by the definitions of the PTX manual: 32- and 64-bit integers, the carry flag, branches, memory.

It knows the instructions that the field kernels have and stops at any other.
"""
import re

MASK = {32: (1 << 32) - 1, 64: (1 << 64) - 1}
COMPARE = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
}


def kernel(ptx, name):
    """The instructions of a kernel (predicate, operation, operands), and where its labels are."""
    body = re.search(rf"\.entry {name}\(.*?\n{{(.*?)\n}}", ptx, re.S)[1]
    instructions, labels = [], {}
    for line in body.splitlines():
        line = line.split("//")[0].strip()
        if match := re.match(r"(\$\w+):$", line):
            labels[match[1]] = len(instructions)
        elif line and not line.startswith("."):
            for text in filter(None, (part.strip() for part in line.split(";"))):
                predicate, operation, operands = re.match(r"(?:@(!?%p\d+)\s+)?(\S+)\s*(.*)", text).groups()
                instructions.append((predicate, operation, re.findall(r"\[[^\]]*\]|[^\s,{}]+", operands)))
    return instructions, labels


def run(program, parameters, memory):
    """Runs thread 0 with these parameters; `memory` has a 32-bit word for each address that is a multiple of four."""
    instructions, labels = program
    registers, carry, at = {"%ntid.x": 1, "%ctaid.x": 0, "%tid.x": 0}, 0, 0

    def value(operand, bits=64):
        found = registers[operand] if operand.startswith("%") else int(operand, 0)
        return found & MASK[bits]

    def signed(number, bits):
        return number - (1 << bits) if number >> (bits - 1) else number

    def address(operand):
        base, _, offset = operand.strip("[]").partition("+")
        return value(base) + int(offset or 0)

    while at < len(instructions):
        predicate, operation, operands = instructions[at]
        at += 1
        if predicate and registers[predicate.lstrip("!")] == predicate.startswith("!"):
            continue
        name, *kinds = operation.split(".")
        if name == "ret":
            return
        if name == "bra":
            at = labels[operands[0]]
            continue
        if name == "ld" and kinds[0] == "param":
            registers[operands[0]] = parameters[int(re.search(r"_(\d+)\]", operands[1])[1])]
            continue
        if name == "ld" and kinds[:2] == ["global", "v4"]:
            for i, register in enumerate(operands[:4]):
                registers[register] = memory[address(operands[4]) + 4 * i]
            continue
        if name == "st" and kinds[:2] == ["global", "v4"]:
            for i, operand in enumerate(operands[1:5]):
                memory[address(operands[0]) + 4 * i] = value(operand, 32)
            continue
        bits = int(re.search(r"\d+", kinds[-1])[0])
        target, arguments = operands[0], [value(operand, bits) for operand in operands[1:] if not operand.startswith("%p")]
        sets_carry, with_carry = "cc" in kinds, name in ("addc", "subc", "madc")
        if name in ("add", "addc", "mad", "madc"):
            if name.startswith("mad"):
                product = arguments[0] * arguments[1]
                terms = [product >> bits if "hi" in kinds else product & MASK[bits], arguments[2]]
            else:
                terms = arguments
            result = sum(terms) + (carry if with_carry else 0)
            if sets_carry:
                carry = result >> bits
        elif name in ("sub", "subc"):
            result = arguments[0] - arguments[1] - (carry if with_carry else 0)
            if sets_carry:
                carry = int(result < 0)
        elif name == "mul":
            product = arguments[0] * arguments[1]
            if kinds[0] == "wide" and kinds[1] == "u32":
                result, bits = product, 64
            elif kinds[0] == "lo":
                result = product
            else:
                raise NotImplementedError(operation)
        elif name in ("mov", "cvta", "cvt"):
            source_bits = int(re.search(r"\d+", kinds[-1])[0])
            bits = int(re.search(r"\d+", kinds[0])[0]) if name == "cvt" else bits
            result = value(operands[1], source_bits)
        elif name == "setp":
            left, right = arguments
            if kinds[1].startswith("s"):
                left, right = signed(left, bits), signed(right, bits)
            registers[target] = COMPARE[kinds[0]](left, right)
            continue
        elif name == "selp":
            result = arguments[0] if registers[operands[3]] else arguments[1]
        elif name in ("and", "or", "xor"):
            result = {"and": int.__and__, "or": int.__or__, "xor": int.__xor__}[name](*arguments)
        elif name == "shl":
            result = arguments[0] << value(operands[2], 32)
        elif name == "shr" and kinds[0].startswith(("u", "b")):
            result = arguments[0] >> value(operands[2], 32)
        else:
            raise NotImplementedError(operation)
        registers[target] = result & MASK[bits]
