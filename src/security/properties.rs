//! Properties of the scheme: no message that was changed in one bit, sent twice, sent elsewhere or
//! reflected is accepted.

use std::sync::Arc;

use proptest::prelude::*;

use super::delivery::{Content, Delivery, ListAnswer, Step};
use super::keys::{Keyring, Keys};
use super::message::{Address, Answered, Party, Route, SignedRequest, read_response, sign_request};
use super::process::ProcessNumber;
use super::proof::{Nonce, Proof};
use super::receiver::{Receiver, Rejection};
use super::replay::EPOCH;
use super::sessions::Sessions;
use crate::protocol::config::LegacyPolicy;
use crate::protocol::time::{Now, Stamp, Tick};

const WALL: u64 = 1_700_000_000_000;
const ROUTES: [Route; 3] = [Route::Gossip, Route::List, Route::Control];

/// A request, its sender and its receiver.
#[derive(Debug, Clone)]
struct Case {
    urls: [String; 2],
    processes: [ProcessNumber; 2],
    sequence: u64,
    payload: String,
    is_group: bool,
    /// Milliseconds since the start of the receiver.
    tick: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let host = "[a-z]{1,12}(:[1-9][0-9]{0,3})?";
    let number = || (1..=u64::MAX).prop_map(|number| ProcessNumber::new(number).unwrap());
    let numbers = (number(), number()).prop_filter("two processes", |(a, b)| a != b);
    let hosts = (host, host).prop_filter("two servers", |(a, b)| a != b);
    (hosts, numbers, any::<u64>(), "[A-Za-z0-9_-]{1,80}", any::<bool>(), 0..u64::MAX / 4).prop_map(
        |((a, b), (c, d), sequence, payload, is_group, tick)| Case {
            urls: [format!("http://{a}/"), format!("https://{b}/")],
            processes: [c, d],
            sequence,
            payload,
            is_group,
            tick: tick % (10 * EPOCH.as_millis() as u64),
        },
    )
}

fn keys() -> Keys {
    Keys::from_stretched(&[1; 32])
}

fn keyring() -> Keyring {
    Keyring::new(Arc::new(keys()), Vec::new())
}

impl Case {
    fn now(&self) -> Now {
        Now { tick: Tick(self.tick), wall: Stamp(WALL) }
    }

    fn sender(&self) -> Party<'_> {
        Party { base_url: &self.urls[0], process: self.processes[0] }
    }

    fn receiver_party(&self) -> Party<'_> {
        Party { base_url: &self.urls[1], process: self.processes[1] }
    }

    /// A server that has run since tick 0, and has just met a sibling.
    fn server(&self, party: Party<'_>) -> Receiver {
        let mut receiver = Receiver::new(party.base_url, party.process, Tick(0));
        receiver.record_sibling(Tick(self.tick));
        receiver
    }

    fn receiver(&self) -> Receiver {
        self.server(self.receiver_party())
    }

    fn request(&self) -> SignedRequest {
        let epoch = self.receiver().epoch(Tick(self.tick));
        let address =
            if self.is_group { Address::Group(WALL) } else { Address::Process(self.processes[1], epoch) };
        let to = (&*self.urls[1], address);
        sign_request(&keys(), Route::Gossip, self.sender(), to, self.sequence, &self.payload)
    }

    fn outcome(
        &self,
        receiver: &mut Receiver,
        route: Route,
        header: &str,
        payload: &str,
    ) -> Result<(), Rejection> {
        receiver.accept(&keyring(), route, header, payload, self.now()).map(|_| ())
    }

    /// The signed response to the request.
    fn response(&self, request: &SignedRequest) -> String {
        let (mut receiver, keyring) = (self.receiver(), keyring());
        let header =
            receiver.accept(&keyring, Route::Gossip, &request.header, &self.payload, self.now()).unwrap();
        receiver.sign_response(&keyring, &header, &self.payload, Tick(self.tick)).unwrap()
    }

    fn reads(&self, text: &str, base_url: &str, request: &SignedRequest) -> bool {
        let answered = Answered { requester: self.sender(), sequence: self.sequence, mac: request.mac };
        let keyring = keyring();
        read_response(text, |id| keyring.find(id), base_url, &answered).is_some()
    }

    fn proof(&self, nonce: Nonce) -> String {
        self.receiver().prove(&keys(), nonce, Tick(self.tick))
    }
}

/// The text with one bit changed; `None` if it is no text then.
fn flipped(text: &str, position: prop::sample::Index) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let bit = position.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}

proptest! {
    #[test]
    fn a_message_with_a_changed_bit_is_rejected(case in cases(), position: prop::sample::Index) {
        let request = case.request();
        if let Some(header) = flipped(&request.header, position) {
            prop_assert!(case.outcome(&mut case.receiver(), Route::Gossip, &header, &case.payload).is_err());
        }
        if let Some(payload) = flipped(&case.payload, position) {
            let outcome = case.outcome(&mut case.receiver(), Route::Gossip, &request.header, &payload);
            prop_assert_eq!(outcome, Err(Rejection::Payload));
        }
        let response = case.response(&request);
        prop_assert!(case.reads(&response, &case.urls[1], &request));
        if let Some(changed) = flipped(&response, position) {
            prop_assert!(!case.reads(&changed, &case.urls[1], &request));
        }
    }

    #[test]
    fn a_proof_with_a_changed_bit_proves_nothing(
        case in cases(),
        random: [u8; 16],
        position: prop::sample::Index,
        bit in 0_usize..128,
    ) {
        let nonce = Nonce::new(random);
        let proof = case.proof(nonce);
        prop_assert!(Proof::read(&proof, &keyring(), nonce).is_some());
        if let Some(changed) = flipped(&proof, position) {
            prop_assert_eq!(Proof::read(&changed, &keyring(), nonce), None);
        }
        let mut other = random;
        other[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(Proof::read(&proof, &keyring(), Nonce::new(other)), None);
    }

    #[test]
    fn a_proof_counts_for_its_own_url(case in cases(), random: [u8; 16]) {
        let (nonce, [own, other]) = (Nonce::new(random), case.urls.clone());
        let proof = case.proof(nonce);
        let mut sessions = Sessions::new(&own, case.processes[0], LegacyPolicy::Off);
        for (base_url, is_proved) in [(own, false), (other, true)] {
            let mut delivery = Delivery::new(&base_url, Content::Gossip, false);
            prop_assert_eq!(delivery.next(&mut sessions, nonce, case.now()), Step::Challenge(nonce));
            delivery.record_list(&mut sessions, &keyring(), ListAnswer::Success(Some(&proof)), Tick(case.tick));
            prop_assert_eq!(delivery.proved().is_some(), is_proved);
            let step = delivery.next(&mut sessions, nonce, case.now());
            prop_assert_eq!(matches!(step, Step::Signed(_)), is_proved);
        }
    }

    #[test]
    fn a_message_is_accepted_once(case in cases(), order in prop::collection::vec(0_u64..100, 1..200)) {
        let mut receiver = case.receiver();
        let mut accepted = Vec::new();
        for offset in order {
            let case = Case { sequence: case.sequence / 2 + offset, ..case.clone() };
            let request = case.request();
            if case.outcome(&mut receiver, Route::Gossip, &request.header, &case.payload).is_ok() {
                prop_assert!(!accepted.contains(&offset));
                accepted.push(offset);
            }
        }
        prop_assert!(!accepted.is_empty());
    }

    #[test]
    fn a_message_is_rejected_elsewhere(case in cases(), other in cases()) {
        let (request, payload) = (case.request(), &case.payload);
        let accepts = |party: Party<'_>, route| {
            case.outcome(&mut case.server(party), route, &request.header, payload).is_ok()
        };
        let own = case.receiver_party();
        let elsewhere = Party { base_url: &other.urls[0], ..own };
        let sibling = Party { process: case.processes[0], ..own };
        prop_assert!(accepts(own, Route::Gossip));
        prop_assert!(!accepts(elsewhere, Route::Gossip));
        // A group has several processes.
        prop_assert_eq!(accepts(sibling, Route::Gossip), case.is_group);
        for route in ROUTES.into_iter().filter(|route| *route != Route::Gossip) {
            prop_assert!(!accepts(own, route));
        }
    }

    #[test]
    fn a_reflected_message_is_rejected(case in cases(), other in cases()) {
        let request = case.request();
        // To its sender, as a request.
        let mut sender = case.server(case.sender());
        prop_assert!(case.outcome(&mut sender, Route::Gossip, &request.header, &case.payload).is_err());
        // As the response to itself.
        let reflected = request.header.strip_prefix("Shazbot ").unwrap();
        prop_assert!(!case.reads(reflected, &case.urls[1], &request));
        // A response as a request, from another server, or to another request.
        let response = case.response(&request);
        let header = format!("Shazbot {response}");
        for server in [&mut sender, &mut case.receiver()] {
            prop_assert!(case.outcome(server, Route::Gossip, &header, &case.payload).is_err());
        }
        prop_assert!(!case.reads(&response, &case.urls[0], &request));
        let next = Case { sequence: case.sequence ^ 1, ..case.clone() };
        prop_assert!(!next.reads(&response, &case.urls[1], &next.request()));
        let changed = Case { payload: other.payload, ..case.clone() };
        prop_assume!(changed.payload != case.payload);
        prop_assert!(!case.reads(&response, &case.urls[1], &changed.request()));
    }
}
