//! Four in a row as the rules of the game say it: a grid, and every line of four looked at. For tests to compare with.

/// What is at a place: the opener's disc is 0, the other player's 1.
type Place = Option<usize>;

/// What a move led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Goes,
    Won,
    Drawn,
}

/// A game of two players.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    columns: [Vec<usize>; 7],
    moves: usize,
}

impl Model {
    /// Whose turn it is: 0 is the opener.
    pub(crate) fn turn(&self) -> usize {
        self.moves % 2
    }

    /// Whether there is such a column and it has room.
    pub(crate) fn allows(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|discs| discs.len() < 6)
    }

    /// The move of the player whose turn it is.
    pub(crate) fn play(&mut self, column: usize) -> Outcome {
        let player = self.turn();
        self.columns[column].push(player);
        self.moves += 1;
        let row = self.columns[column].len() - 1;
        let directions: [(isize, isize); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];
        let run = |(dc, dr): (isize, isize)| {
            1 + self.run((column, row), (dc, dr), player) + self.run((column, row), (-dc, -dr), player)
        };
        if directions.into_iter().any(|direction| run(direction) >= 4) {
            Outcome::Won
        } else if self.moves == 42 {
            Outcome::Drawn
        } else {
            Outcome::Goes
        }
    }

    /// How many of a player's discs follow upon each other from a place in a direction, the place apart.
    fn run(&self, (column, row): (usize, usize), (dc, dr): (isize, isize), player: usize) -> usize {
        let (mut column, mut row, mut length) = (column as isize + dc, row as isize + dr, 0);
        while self.at(column, row) == Some(player) {
            (column, row, length) = (column + dc, row + dr, length + 1);
        }
        length
    }

    fn at(&self, column: isize, row: isize) -> Place {
        let discs = self.columns.get(usize::try_from(column).ok()?)?;
        discs.get(usize::try_from(row).ok()?).copied()
    }

    /// The places of a player, as a bit each: 6 · column + row.
    pub(crate) fn bits(&self, player: usize) -> u64 {
        let mut bits = 0;
        for (column, discs) in self.columns.iter().enumerate() {
            for (row, owner) in discs.iter().enumerate() {
                bits |= u64::from(*owner == player) << (6 * column + row);
            }
        }
        bits
    }
}
