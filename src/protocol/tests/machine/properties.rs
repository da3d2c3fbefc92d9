//! Properties that hold for any input.

use proptest::prelude::*;

use crate::protocol::ExchangeId;
use crate::protocol::tests::support::rig::{A, B, C, Listed, ME, lists, received};
use crate::protocol::tests::support::world::{EPOCH, World, config};
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::ids::Source;
use crate::protocol::types::status::{Control, ListKind};
use crate::protocol::wire::document::{Document, Upload};
use crate::protocol::wire::message::{ReceivedEntry, ReceivedLists, Refusal, Reply};

type Claims = Vec<(bool, usize, u64)>;

const SUBJECTS: [&str; 5] = [ME, A, B, C, "HTTP://A:80"];

fn claims(subjects: usize) -> impl Strategy<Value = Claims> {
    prop::collection::vec((any::<bool>(), 0..subjects, EPOCH - 90_000_000..EPOCH + 90_000_000), 0..12)
}

fn spoken(claims: &Claims) -> ReceivedLists<'static> {
    let pick = |wanted: bool| -> Vec<_> {
        let picked = claims.iter().filter(|(online, ..)| *online == wanted);
        picked.map(|(_, subject, stamp)| (SUBJECTS[*subject], *stamp)).collect()
    };
    received(&lists(&pick(true), &pick(false)))
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    WakeAnyway,
    ShiftClock(i64),
    Hear(Claims),
    Slice(bool, bool, u64, Claims),
    Reply(u64, u8, Claims),
    Download(u64, Option<Claims>),
    Upload(u64, u16),
    Control(Control),
    Leave,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..40_000).prop_map(Step::Wait),
        1 => (0u64..100_000_000).prop_map(Step::Wait),
        2 => Just(Step::WakeAnyway),
        1 => (-100_000_000i64..100_000_000).prop_map(Step::ShiftClock),
        6 => claims(5).prop_map(Step::Hear),
        2 => (any::<bool>(), any::<bool>(), 0u64..40, claims(5)).prop_map(|(a, b, id, c)| Step::Slice(a, b, id, c)),
        8 => (0u64..40, 0u8..7, claims(5)).prop_map(|(id, kind, claims)| Step::Reply(id, kind, claims)),
        3 => (0u64..40, prop::option::of(claims(5))).prop_map(|(id, claims)| Step::Download(id, claims)),
        2 => (0u64..40, prop_oneof![Just(200u16), Just(412), Just(405), Just(500)]).prop_map(|(id, s)| Step::Upload(id, s)),
        1 => any::<bool>().prop_map(|online| Step::Control(Control::of(online))),
        1 => Just(Step::Leave),
    ]
}

/// Picks recent ids more often than old ones.
fn aim(world: &World, back: u64) -> ExchangeId {
    let last = world.nodes[ME].machine.exchanges().in_flight.last().0;
    ExchangeId(last.saturating_sub(back))
}

fn reply(kind: u8, claims: &Claims) -> Reply<'static> {
    match kind {
        0 => Reply::Refusal(Refusal::Unauthorized),
        1 => Reply::Refusal(Refusal::TooLarge),
        2 => Reply::Unclear("x".to_owned()),
        3 => Reply::Failure("x".to_owned()),
        _ => Reply::Lists(spoken(claims)),
    }
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Wait(millis) => world.run_for(*millis),
        Step::WakeAnyway => world.act(ME, |machine, now| machine.handle_timeout(now)),
        Step::ShiftClock(by) => world.nodes.get_mut(ME).unwrap().wall_offset = *by,
        Step::Hear(claims) => world.act(ME, |machine, now| machine.handle_request(now, &spoken(claims))),
        Step::Slice(online, is_exchange, back, claims) => {
            let source = if *is_exchange { Source::Exchange(aim(world, *back)) } else { Source::MasterList };
            let entries = spoken(claims).online;
            world.act(ME, |machine, now| machine.handle_claims(now, source, ListKind::of(*online), &entries));
        }
        Step::Reply(back, kind, claims) => {
            let id = aim(world, *back);
            world.reply(ME, id, &reply(*kind, claims));
        }
        Step::Download(back, claims) => {
            let id = aim(world, *back);
            let outcome = match claims {
                Some(claims) => {
                    let body = serde_json::to_vec(&lists_of(claims)).unwrap();
                    Document::read(200, Some("\"t\"".to_owned()), &body)
                }
                None => Err("x".to_owned().into()),
            };
            world.act(ME, |machine, now| machine.handle_download(now, id, &outcome));
        }
        Step::Upload(back, status) => {
            let id = aim(world, *back);
            world.act(ME, |machine, now| machine.handle_upload(now, id, &Upload::Answer(*status, None)));
        }
        Step::Control(control) => world.control(*control),
        Step::Leave => world.leave(),
    }
}

fn lists_of(claims: &Claims) -> crate::protocol::wire::message::Lists {
    let all: Vec<_> = claims.iter().map(|(_, subject, stamp)| (SUBJECTS[*subject], *stamp)).collect();
    lists(&all, &[])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    // The world checks the machine's invariants after every step.
    #[test]
    fn the_invariants_hold_after_any_sequence_of_inputs(steps in prop::collection::vec(step(), 1..60), seed: u64) {
        let mut world = World::new(seed);
        world.loss = 0.3;
        world.start(config(ME), 0);
        let mut has_left = false;
        for step in &steps {
            take(&mut world, step);
            has_left |= matches!(step, Step::Leave);
            prop_assert!(!has_left || !world.is_online(ME), "a leaving server lists itself online");
        }
        if has_left {
            world.run_for(20_000);
            prop_assert!(world.has_shut_down());
            prop_assert_eq!(world.nodes[ME].machine.poll_timeout(), None);
        }
    }

    #[test]
    fn merging_is_idempotent(first in claims(4), second in claims(4)) {
        let mut world = World::alone();
        world.act(ME, |machine, now| machine.handle_request(now, &spoken(&first)));
        world.act(ME, |machine, now| machine.handle_request(now, &spoken(&second)));
        let others = |world: &World| [A, B, C].map(|url| world.listed(url));
        let once = others(&world);
        world.act(ME, |machine, now| machine.handle_request(now, &spoken(&second)));
        prop_assert_eq!(others(&world), once);
    }

    // Except for ties, in which the held claim stays.
    #[test]
    fn the_order_of_claims_about_an_unknown_server_does_not_matter(
        stamps in prop::collection::btree_set(EPOCH - 100_000_000..EPOCH + 80_000_000, 1..8),
        kinds in prop::collection::vec(any::<bool>(), 8),
        order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let claims: Vec<_> = stamps.iter().copied().zip(kinds).collect();
        let receive_all = |order: &[usize]| {
            let mut world = World::alone();
            for (stamp, online) in order.iter().filter_map(|index| claims.get(*index)) {
                let claim = [(A, *stamp)];
                if *online { world.receive(&claim, &[]) } else { world.receive(&[], &claim) };
            }
            world.listed(A)
        };
        let in_order = receive_all(&(0..8).collect::<Vec<_>>());
        prop_assert_eq!(receive_all(&order), in_order);
        let (newest, online) = claims[claims.len() - 1];
        if online {
            prop_assert_eq!(in_order, Listed::Online(newest));
        } else {
            prop_assert!(!matches!(in_order, Listed::Online(_)));
        }
    }

    #[test]
    fn the_identity_of_an_identity_is_itself(text in "(http|HTTPS)://[a-zA-Z0-9.:\\[\\]%üß\\\\-]{1,20}(/|\\\\)?[ -~ü]{0,20}") {
        if let Ok(url) = BaseUrl::parse(&text) {
            let again = BaseUrl::parse(url.identity()).unwrap();
            prop_assert_eq!(again.identity(), url.identity());
            let spoken = BaseUrl::parse(url.spelling()).unwrap();
            prop_assert_eq!(spoken.identity(), url.identity());
            prop_assert_eq!(spoken.spelling(), url.spelling());
            prop_assert!(url.spelling().ends_with('/'));
        }
    }

    #[test]
    fn any_text_and_any_number_are_safe(texts in prop::collection::vec(".{0,80}", 0..8), numbers in prop::collection::vec(any::<f64>(), 8)) {
        let mut world = World::alone();
        let entries: Vec<_> = texts.iter().zip(&numbers)
            .flat_map(|(text, number)| [text.clone(), format!("http://{text}")].map(|url| ReceivedEntry { base_url: url.into(), monitor: true, last_update: *number }))
            .collect();
        let lists = ReceivedLists { online: entries.clone(), offline: entries, malformed: 3 };
        world.act(ME, |machine, now| machine.handle_request(now, &lists));
        world.run_for(10_000);
    }

    #[test]
    fn any_body_is_safe(status in 0u16..700, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reply::read(status, None, &body);
        let _ = Document::read(status, None, &body);
    }

    #[test]
    fn any_json_is_safe(body in "[\\[\\]{}\",:onlife0-9e+.\\\\u -]{0,80}") {
        let wrapped = format!(r#"{{"online":[{body}],"offline":[{{"baseUrl":"{body}","lastUpdate":1}}]}}"#);
        for text in [&body, &wrapped] {
            let _ = ReceivedLists::read(text);
            let _ = Document::read(200, None, text.as_bytes());
        }
    }
}
