//! What the verifier found, as a validator expects it from a parachain's code.

use polkadot_core_primitives::OutboundHrmpMessage;
use polkadot_parachain_primitives::primitives::{
    HeadData, HorizontalMessages, Id, MAX_HORIZONTAL_MESSAGE_NUM, MAX_UPWARD_MESSAGE_NUM, UpwardMessages,
    ValidationCode, ValidationResult,
};
use zkpov_verifier::validate::Transition;

/// A block sends more messages than polkadot's `ValidationResult` holds.
///
/// The verifier's own limits on a block are lower, so this error says that the two have come apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} {what}, the relay chain takes at most {limit} of a candidate")]
pub struct LimitExceeded {
    /// The kind of message.
    pub what: &'static str,
    /// Messages that the block sends.
    pub found: usize,
    /// polkadot's limit.
    pub limit: u32,
}

/// The transition in polkadot's type, field by field.
///
/// # Errors
///
/// More upward or horizontal messages than [`MAX_UPWARD_MESSAGE_NUM`] or
/// [`MAX_HORIZONTAL_MESSAGE_NUM`].
pub fn validation_result(transition: Transition) -> Result<ValidationResult, LimitExceeded> {
    // Named one by one, so that a field added to `Transition` cannot be forgotten here.
    let Transition {
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    } = transition;
    Ok(ValidationResult {
        head_data: HeadData(head_data),
        new_validation_code: new_validation_code.map(ValidationCode),
        upward_messages: upward(upward_messages)?,
        horizontal_messages: horizontal(horizontal_messages)?,
        processed_downward_messages,
        hrmp_watermark,
    })
}

fn upward(messages: Vec<Vec<u8>>) -> Result<UpwardMessages, LimitExceeded> {
    UpwardMessages::try_from(messages).map_err(|messages| LimitExceeded {
        what: "upward messages",
        found: messages.len(),
        limit: MAX_UPWARD_MESSAGE_NUM,
    })
}

fn horizontal(messages: Vec<(u32, Vec<u8>)>) -> Result<HorizontalMessages, LimitExceeded> {
    let messages: Vec<_> = messages
        .into_iter()
        .map(|(recipient, data)| OutboundHrmpMessage { recipient: Id::from(recipient), data })
        .collect();
    HorizontalMessages::try_from(messages).map_err(|messages| LimitExceeded {
        what: "horizontal messages",
        found: messages.len(),
        limit: MAX_HORIZONTAL_MESSAGE_NUM,
    })
}

#[cfg(test)]
mod tests {
    use codec::{Decode, Encode};

    use super::*;

    /// No two fields hold the same value.
    fn transition() -> Transition {
        Transition {
            head_data: vec![1, 2, 3],
            new_validation_code: Some(vec![4; 100]),
            upward_messages: vec![vec![5], vec![6, 7]],
            horizontal_messages: vec![(8, vec![9]), (10, vec![])],
            processed_downward_messages: 11,
            hrmp_watermark: 12,
        }
    }

    #[test]
    fn every_field_of_a_transition_arrives() {
        let result = validation_result(transition()).unwrap();
        assert_eq!(result.head_data, HeadData(vec![1, 2, 3]));
        assert_eq!(result.new_validation_code, Some(ValidationCode(vec![4; 100])));
        assert_eq!(result.upward_messages.into_inner(), [vec![5], vec![6, 7]]);
        let horizontal = result.horizontal_messages.into_inner();
        assert_eq!(horizontal[0], OutboundHrmpMessage { recipient: Id::from(8), data: vec![9] });
        assert_eq!(horizontal[1], OutboundHrmpMessage { recipient: Id::from(10), data: vec![] });
        assert_eq!((result.processed_downward_messages, result.hrmp_watermark), (11, 12));
    }

    /// What a program without polkadot's crates writes by hand: the transition's fields in their order.
    #[test]
    fn the_result_encodes_as_the_transitions_fields_in_order() {
        for code in [None, Some(vec![4; 100])] {
            let transition = Transition { new_validation_code: code, ..transition() };
            let by_hand = (
                &transition.head_data,
                &transition.new_validation_code,
                &transition.upward_messages,
                &transition.horizontal_messages,
                transition.processed_downward_messages,
                transition.hrmp_watermark,
            )
                .encode();
            let result = validation_result(transition).unwrap();
            assert_eq!(result.encode(), by_hand);
            assert_eq!(ValidationResult::decode(&mut by_hand.as_slice()), Ok(result));
        }
    }

    #[test]
    fn as_many_messages_as_the_relay_chain_takes_pass_and_one_more_does_not() {
        let with = |upward: u32, horizontal: u32| {
            validation_result(Transition {
                upward_messages: vec![vec![]; upward as usize],
                horizontal_messages: vec![(0, vec![]); horizontal as usize],
                ..transition()
            })
        };
        assert!(with(MAX_UPWARD_MESSAGE_NUM, MAX_HORIZONTAL_MESSAGE_NUM).is_ok());
        let error = with(MAX_UPWARD_MESSAGE_NUM + 1, 0).unwrap_err();
        assert_eq!((error.what, error.found, error.limit), ("upward messages", 16385, 16384));
        let error = with(0, MAX_HORIZONTAL_MESSAGE_NUM + 1).unwrap_err();
        assert_eq!((error.what, error.found, error.limit), ("horizontal messages", 16385, 16384));
    }
}
