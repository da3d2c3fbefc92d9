//! LegacyClean: a response is that of version 1, unless the request contained `v2`.

use super::Violation;
use crate::sim::clock::Millis;
use crate::sim::wire::Outcome;

pub(in crate::sim) fn check(
    at: Millis,
    url: &str,
    answer: &Outcome,
    request_had_v2: bool,
) -> Option<Violation> {
    let is_native = matches!(answer, Outcome::Native(_));
    (is_native && !request_had_v2).then(|| {
        let finding = format!("{url} answers a plain request with the native extension");
        Violation { at, invariant: "LegacyClean", finding }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::extension::Extension;
    use crate::protocol::message::Lists;

    #[test]
    fn an_unrequested_extension_is_a_violation() {
        let v2 = r#"{"me":["http://a/","alive",1,1,0],"id":"1","kind":"push"}"#;
        let native = Outcome::Native(Box::new(Extension::read(v2).unwrap()));
        assert!(check(0, "http://a/", &native, false).is_some());
        assert!(check(0, "http://a/", &native, true).is_none());
        assert!(check(0, "http://a/", &Outcome::Lists(Lists::default().into()), false).is_none());
    }
}
