//! What surrounds payloads, nonces and proofs in the bodies of messages. Their content is the
//! matter of the caller.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::json_fields;
use crate::protocol::wire::message::{Lists, without_bom};
use crate::protocol::wire::request::read_text;

/// The body of a signed gossip message or its response. The payload needs no escaping.
pub fn signed_body(payload: &str) -> Vec<u8> {
    [r#"{"message":"gossip","online":[],"offline":[],"v2":""#, payload, r#""}"#].concat().into_bytes()
}

/// The body of a gossip message with the raw secret, and a nonce that challenges its receiver.
pub fn raw_body(lists: &Lists, extension: Option<&Extension>, nonce: &str) -> Vec<u8> {
    body_with(lists, extension, "nonce", nonce)
}

/// The body of the response to such a message, with the proof that it asks for.
pub fn raw_answer(extension: &Extension, proof: Option<&str>) -> Vec<u8> {
    match proof {
        Some(proof) => body_with(&Lists::default(), Some(extension), "proof", proof),
        None => Lists::default().to_gossip_json(Some(extension)),
    }
}

/// The body of a gossip message with a further field in `v2`, whose text needs no escaping.
fn body_with(lists: &Lists, extension: Option<&Extension>, name: &str, text: &str) -> Vec<u8> {
    let extension = extension.map(Extension::to_json);
    let fields = extension.as_deref().and_then(|json| json.strip_prefix('{'));
    let v2 = match fields {
        Some(fields) => format!(r#"{{"{name}":"{text}",{fields}"#),
        None => format!(r#"{{"{name}":"{text}"}}"#),
    };
    let mut body = lists.to_gossip_json(None);
    // The body is an object, so it ends in a brace.
    body.pop();
    body.extend_from_slice(format!(r#","v2":{v2}}}"#).as_bytes());
    body
}

/// The proof in a list response.
pub fn proof_in_list(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let [online, proof] = json_fields::read(without_bom(&text), ["online", "proof"]).ok()?;
    online?;
    proof.and_then(read_text).map(Cow::into_owned)
}

/// The proof in the response to a gossip message with the raw secret.
pub fn proof_in_gossip(body: &[u8]) -> Option<String> {
    in_v2(body, |v2| {
        let [proof] = json_fields::read(v2.get(), ["proof"]).ok()?;
        proof.and_then(read_text).map(Cow::into_owned)
    })
}

/// The signed payload of a response, with its signature.
pub fn signed_answer(body: &[u8]) -> Option<String> {
    in_v2(body, |v2| read_text(v2).map(Cow::into_owned))
}

/// Reads the `v2` field of a response with lists.
fn in_v2(body: &[u8], read: impl FnOnce(&RawValue) -> Option<String>) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    // Plain lists may be long, so they are not parsed twice.
    if !text.contains("\"v2\"") {
        return None;
    }
    let [online, v2] = json_fields::read(without_bom(&text), ["online", "v2"]).ok()?;
    online?;
    read(v2?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::request::Request;

    #[test]
    fn a_signed_body_is_read_back() {
        let body = signed_body("cGF5bG9hZA");
        let text = String::from_utf8(body.clone()).unwrap();
        assert_eq!(Request::read(&text).unwrap().payload(), Ok(Some("cGF5bG9hZA".into())));
        assert_eq!(signed_answer(&body), Some("cGF5bG9hZA".to_owned()));
    }

    #[test]
    fn a_raw_body_has_a_nonce_with_or_without_an_extension() {
        let text = r#"{"me":["http://a/","alive",1,5,0],"id":"1","kind":"push"}"#;
        let extension = Extension::read(text).unwrap();
        for extension in [None, Some(&extension)] {
            let body = String::from_utf8(raw_body(&Lists::default(), extension, "abc")).unwrap();
            let request = Request::read(&body).unwrap();
            assert_eq!(request.nonce(), Some("abc".into()));
            assert_eq!(request.extension(), Ok(extension.cloned()));
            assert!(request.lists().unwrap().is_empty());
        }
    }

    #[test]
    fn a_raw_answer_has_its_proof_beside_the_extension() {
        let text = r#"{"me":["http://a/","alive",1,5,0],"id":"1","kind":"push"}"#;
        let extension = Extension::read(text).unwrap();
        for proof in [None, Some("p")] {
            let body = raw_answer(&extension, proof);
            assert_eq!(proof_in_gossip(&body).as_deref(), proof);
            let text = String::from_utf8(body).unwrap();
            assert_eq!(Request::read(&text).unwrap().extension(), Ok(Some(extension.clone())));
        }
    }

    #[test]
    fn proofs_are_found_where_they_belong() {
        assert_eq!(proof_in_list(br#"{"online":[],"proof":"p"}"#), Some("p".to_owned()));
        assert_eq!(proof_in_gossip(br#"{"online":[],"v2":{"proof":"p"}}"#), Some("p".to_owned()));
        for body in [r#"{"proof":"p"}"#, r#"{"online":[],"proof":1}"#, "", "[]", r#"{"online":[]}"#] {
            assert_eq!(proof_in_list(body.as_bytes()), None, "{body}");
            assert_eq!(proof_in_gossip(body.as_bytes()), None, "{body}");
        }
    }
}
