//! Base URLs, which name servers.

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::protocol::types::base_url::address::AddressClasses;
use crate::protocol::types::base_url::plain_url::Plain;

pub mod address;
pub(in crate::protocol) mod plain_url;

/// The longest accepted base URL, in bytes.
pub const MAX_BASE_URL_BYTES: usize = 512;

/// A checked base URL with its final slash: an identity to compare and a spelling to show.
///
/// Two spellings that differ in the case of the host, a default port or the final slash name the
/// same server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    identity: Arc<str>,
    spelling: Arc<str>,
    classes: AddressClasses,
}

impl BaseUrl {
    /// Parses `text` into its identity and its spelling.
    ///
    /// # Errors
    /// Returns why the text cannot be the base URL of a server.
    pub fn parse(text: &str) -> Result<Self, BaseUrlRejection> {
        if let Some(plain) = Self::plain(text) {
            return Self::spelt(text, plain);
        }
        // Bounds the work on text from other servers. The limit on the result is checked below.
        if text.len() > MAX_BASE_URL_BYTES {
            return Err(BaseUrlRejection::TooLong);
        }
        let text = text.trim_ascii();
        if text.chars().any(char::is_control) {
            return Err(BaseUrlRejection::NotAUrl);
        }
        let mut url = Url::parse(text).map_err(|_| BaseUrlRejection::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlRejection::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlRejection::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlRejection::QueryOrFragment);
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let classes = AddressClasses::of_url(&url);
        Self::spelt(text, Plain { identity: url.into(), classes })
    }

    /// The normalised form of a plainly written text; `None` if only a parser can tell.
    pub(in crate::protocol) fn plain(text: &str) -> Option<Plain> {
        (text.len() <= MAX_BASE_URL_BYTES).then(|| Plain::read(text.trim_ascii()))?
    }

    /// A text with its normalised form.
    pub(in crate::protocol) fn spelt(
        text: &str,
        Plain { identity, classes }: Plain,
    ) -> Result<Self, BaseUrlRejection> {
        let text = text.trim_ascii();
        let identity: Arc<str> = identity.into();
        if text == &*identity {
            return Ok(Self { spelling: Arc::clone(&identity), identity, classes });
        }
        let spelling: Arc<str> = if text.contains('\\') {
            // Parsers read a backslash as a slash, but code that appends a path or compares texts
            // does not.
            Arc::clone(&identity)
        } else if text.ends_with('/') {
            Arc::from(text)
        } else {
            Arc::from(format!("{text}/"))
        };
        if spelling.len() > MAX_BASE_URL_BYTES {
            return Err(BaseUrlRejection::TooLong);
        }
        Ok(if identity == spelling {
            Self { spelling: Arc::clone(&identity), identity, classes }
        } else {
            Self { identity, spelling, classes }
        })
    }

    /// Like [`BaseUrl::parse`], but shares the text if it is its own normalised form, as claims of
    /// native servers are.
    ///
    /// # Errors
    /// Returns why the text cannot be the base URL of a server.
    pub fn parse_shared(text: &Arc<str>) -> Result<Self, BaseUrlRejection> {
        Self::parse(text).map(|url| url.sharing(text))
    }

    /// The same, sharing the text that it was parsed from if that is its normalised form.
    #[must_use]
    pub(in crate::protocol) fn sharing(self, text: &Arc<str>) -> Self {
        if self.identity == *text && self.spelling == self.identity {
            return Self { identity: Arc::clone(text), spelling: Arc::clone(text), classes: self.classes };
        }
        self
    }

    /// The normalised form, by which servers are compared.
    pub fn identity(&self) -> &Arc<str> {
        &self.identity
    }

    /// The form in which it was written, with a final slash.
    pub fn spelling(&self) -> &Arc<str> {
        &self.spelling
    }

    /// The classes of its address that no server has.
    pub fn classes(&self) -> AddressClasses {
        self.classes
    }
}

/// Why a text cannot be a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaseUrlRejection {
    /// Longer than [`MAX_BASE_URL_BYTES`].
    TooLong,
    /// Not an absolute URL.
    NotAUrl,
    /// A scheme other than http or https.
    NotHttp,
    /// Contains a user name or a password.
    Credentials,
    /// Contains a query or a fragment, so no path can be appended.
    QueryOrFragment,
}

impl fmt::Display for BaseUrlRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a base URL over {MAX_BASE_URL_BYTES} bytes"),
            Self::NotAUrl => f.write_str("a base URL that is not a URL"),
            Self::NotHttp => f.write_str("a base URL that is neither http nor https"),
            Self::Credentials => f.write_str("a base URL with credentials"),
            Self::QueryOrFragment => f.write_str("a base URL with a query or a fragment"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn forms(text: &str) -> (String, String) {
        let url = BaseUrl::parse(text).unwrap();
        (url.identity().to_string(), url.spelling().to_string())
    }

    #[test]
    fn spellings_of_one_server_share_an_identity() {
        for text in [
            "http://Host.example:80",
            "HTTP://host.example/",
            "http://host.example:80/",
            "  http://host.example",
        ] {
            assert_eq!(forms(text).0, "http://host.example/", "{text}");
        }
        assert_eq!(
            forms("http://host.example/app"),
            ("http://host.example/app/".into(), "http://host.example/app/".into())
        );
    }

    #[test]
    fn the_spelling_is_kept_except_for_the_final_slash() {
        assert_eq!(forms("http://Host:3000").1, "http://Host:3000/");
        assert_eq!(forms("https://h:443/").1, "https://h:443/");
        assert_eq!(forms("http:\\\\h\\app\\").1, "http://h/app/");
    }

    #[test]
    fn invalid_base_urls_are_rejected_with_the_reason() {
        let long = format!("http://h/{}", "x".repeat(MAX_BASE_URL_BYTES));
        let long_with_slash = format!("http://h/{}", "x".repeat(MAX_BASE_URL_BYTES - 9));
        for (text, rejection) in [
            ("", BaseUrlRejection::NotAUrl),
            ("/path", BaseUrlRejection::NotAUrl),
            ("http://", BaseUrlRejection::NotAUrl),
            ("http://a\nb/", BaseUrlRejection::NotAUrl),
            ("ftp://h/", BaseUrlRejection::NotHttp),
            ("javascript:alert(1)", BaseUrlRejection::NotHttp),
            ("http://u@h/", BaseUrlRejection::Credentials),
            ("http://u:p@h/", BaseUrlRejection::Credentials),
            ("http://h/?q", BaseUrlRejection::QueryOrFragment),
            ("http://h/#f", BaseUrlRejection::QueryOrFragment),
            (&long, BaseUrlRejection::TooLong),
            (&long_with_slash, BaseUrlRejection::TooLong),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(rejection), "{text}");
        }
    }
}
