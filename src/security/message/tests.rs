use super::*;

const A: &str = "http://a.test:3000/";
const B: &str = "http://b.test:3000/api/";

fn keys(byte: u8) -> Keys {
    Keys::from_stretched(&[byte; 32])
}

fn party(base_url: &str, process: u64) -> Party<'_> {
    Party { base_url, process: ProcessNumber::new(process).unwrap() }
}

fn signed(address: Address) -> SignedRequest {
    sign_request(&keys(1), Route::Gossip, party(A, 5), (B, address), 77, "cGF5bG9hZA")
}

fn to_process() -> SignedRequest {
    signed(Address::Process(ProcessNumber::new(6).unwrap(), 3))
}

fn is_valid(header: &str) -> bool {
    Header::read(header).is_some_and(|header| header.verify(&keys(1), Route::Gossip, party(B, 6)))
}

#[test]
fn a_signed_request_is_verified() {
    let SignedRequest { header, .. } = to_process();
    let read = Header::read(&header).unwrap();
    assert!(is_valid(&header));
    assert_eq!((read.sender.base_url, read.sequence), (A, 77));
    assert_eq!(read.freshness, Freshness::Epoch(3));
    assert!(read.covers("cGF5bG9hZA"));
    assert!(!read.covers("cGF5bG9hZB"));
}

#[test]
fn any_changed_bit_invalidates_the_header() {
    let SignedRequest { header, .. } = to_process();
    for index in 0..header.len() {
        for bit in 0..7 {
            let mut bytes = header.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(!is_valid(&changed), "{changed}");
        }
    }
}

#[test]
fn a_request_is_valid_for_its_receiver_route_and_key_only() {
    let SignedRequest { header, .. } = to_process();
    let read = Header::read(&header).unwrap();
    assert!(!read.verify(&keys(1), Route::Gossip, party(B, 7)));
    assert!(!read.verify(&keys(1), Route::Gossip, party(A, 6)));
    assert!(!read.verify(&keys(1), Route::Control, party(B, 6)));
    assert!(!read.verify(&keys(2), Route::Gossip, party(B, 6)));
}

#[test]
fn a_request_to_a_group_is_valid_for_all_its_processes() {
    let SignedRequest { header, .. } = signed(Address::Group(1_700_000_000_000));
    let read = Header::read(&header).unwrap();
    for process in [6, 7] {
        assert!(read.verify(&keys(1), Route::Gossip, party(B, process)));
    }
    assert!(!read.verify(&keys(1), Route::Gossip, party(A, 6)));
}

fn answered(request: &SignedRequest) -> Answered<'_> {
    Answered { requester: party(A, 5), sequence: 77, mac: request.mac }
}

#[test]
fn a_response_is_tied_to_its_request() {
    let (key, request) = (keys(1), to_process());
    let text = sign_response(&key, party(B, 6), 4, &answered(&request), "YW5zd2Vy");
    let read = |base_url: &str, request: &Answered<'_>| {
        read_response(&text, |id| (id == key.id()).then_some(&key), base_url, request)
            .map(|response| (response.process.get(), response.epoch, response.payload.to_owned()))
    };
    assert_eq!(read(B, &answered(&request)), Some((6, 4, "YW5zd2Vy".to_owned())));
    assert_eq!(read(A, &answered(&request)), None);
    let other = signed(Address::Group(1));
    assert_eq!(read(B, &answered(&other)), None);
    assert_eq!(read(B, &Answered { sequence: 78, ..answered(&request) }), None);
    assert_eq!(read(B, &Answered { requester: party(A, 9), ..answered(&request) }), None);
}

#[test]
fn a_request_does_not_serve_as_a_response() {
    let (key, request) = (keys(1), to_process());
    let reflected = request.header.trim_start_matches(SCHEME);
    assert_eq!(read_response(reflected, |_| Some(&key), B, &answered(&request)), None);
}

#[test]
fn malformed_headers_are_rejected() {
    let SignedRequest { header, .. } = to_process();
    for text in
        ["", "Shazbot", "Shazbot ", "Shazbot 2.", "shazbot 2.a", &header.replace("Shazbot 2", "Shazbot 3")]
    {
        assert!(Header::read(text).is_none(), "{text}");
    }
    assert!(Header::read(&format!("{header}{}", "x".repeat(MAX_HEADER_BYTES))).is_none());
}
