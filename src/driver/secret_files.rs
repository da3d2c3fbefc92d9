//! Secrets in files: read at the start, and again after each change.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::limited_file::LimitedFile;
use super::log_sink::SharedLogSink;
use crate::protocol::config::{SecretFile, SecretSet};
use crate::protocol::output::Severity;
use crate::protocol::secret::Secret;

/// The largest file that is read, in bytes: eight secrets of 16 kB, the longest header that Node.js
/// accepts.
const MAX_FILE_BYTES: u64 = 128 * 1024;

/// The timing of the checks. A change is in use after the sum of both, at most a second.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// Between two checks. Files are polled, because network file systems do not report changes.
    interval: Duration,
    /// How long files must stay as they are before a change counts, as another process may be
    /// writing them.
    settling: Duration,
}

const TIMING: Timing = Timing { interval: Duration::from_millis(500), settling: Duration::from_millis(100) };

/// The files with secrets, and where their secrets go.
#[derive(Debug)]
pub(super) struct SecretFiles {
    files: Arc<[SecretFile]>,
    secrets: watch::Sender<Arc<SecretSet>>,
}

/// What was found in a file.
type Found = Result<Vec<Secret>, Fault>;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    reason: String,
    /// The hash of its content, so that another fault of the same kind is noticed.
    content: Option<u64>,
}

/// Returns the content of a file.
///
/// # Errors
/// Returns why it cannot be read. The text contains neither the path nor the content.
pub fn read_file(path: &str) -> Result<String, String> {
    let describe = |error: io::Error| format!("it cannot be read ({error})");
    let file = LimitedFile::open(path, MAX_FILE_BYTES).map_err(describe)?;
    let LimitedFile { mut reader, capacity } = file.ok_or("it is not a regular file")?;
    // Reading looks for the end of the file in up to 64 bytes more.
    let mut content = String::with_capacity(capacity + 64);
    reader.read_to_string(&mut content).map_err(describe)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it is larger than {} kB", MAX_FILE_BYTES / 1024));
    }
    Ok(content)
}

impl SecretFiles {
    /// Returns `None` if no secret is in a file. Relative paths start where the process is now.
    pub(super) fn new(files: Vec<SecretFile>, secrets: watch::Sender<Arc<SecretSet>>) -> Option<Self> {
        let files: Arc<[_]> = files.into_iter().map(absolute).collect();
        (!files.is_empty()).then_some(Self { files, secrets })
    }

    /// Uses the secrets of changed files. Never ends.
    pub(super) async fn watch(self, log: SharedLogSink) {
        self.watch_at(TIMING, &log).await;
    }

    async fn watch_at(&self, timing: Timing, log: &SharedLogSink) {
        let hasher = RandomState::new();
        let secrets = Arc::clone(&self.secrets.borrow());
        let mut used: Vec<Found> = self.files.iter().map(|file| Ok(secrets.of(file.variable))).collect();
        let mut changed = None;
        loop {
            sleep(if changed.is_some() { timing.settling } else { timing.interval }).await;
            let (files, hasher) = (Arc::clone(&self.files), hasher.clone());
            let read = task::spawn_blocking(move || files.iter().map(|file| find(file, &hasher)).collect());
            let Ok(found): Result<Vec<Found>, _> = read.await else { continue };
            // All files at once, so that a new secret never comes without the one that it replaces.
            if found == used {
                changed = None;
            } else if changed.as_ref() == Some(&found) {
                self.apply(&used, &found, log);
                used = found;
                changed = None;
            } else {
                changed = Some(found);
            }
        }
    }

    fn apply(&self, used: &[Found], found: &[Found], log: &SharedLogSink) {
        let before = Arc::clone(&self.secrets.borrow());
        let mut secrets = SecretSet::clone(&before);
        for ((file, used), found) in self.files.iter().zip(used).zip(found) {
            let name = file.variable.file_name();
            match found {
                _ if found == used => {}
                Ok(found) => {
                    secrets.set(file.variable, found.clone());
                    log(Severity::Info, format!("Clustershazbot: the file of {name} was read again"), None);
                }
                Err(fault) => log(
                    Severity::Error,
                    format!(
                        "Clustershazbot: the file of {name} cannot be used, and its last secrets stay valid:"
                    ),
                    Some(fault.reason.clone()),
                ),
            }
        }
        let known = before.warnings();
        for warning in secrets.warnings().into_iter().filter(|warning| !known.contains(warning)) {
            log(Severity::Warning, warning, None);
        }
        self.secrets.send_if_modified(|current| {
            let is_new = **current != secrets;
            if is_new {
                *current = Arc::new(secrets);
            }
            is_new
        });
    }
}

/// Returns the file with a path that stays valid if the process changes its directory.
fn absolute(file: SecretFile) -> SecretFile {
    let path = std::path::absolute(&file.path).ok().and_then(|path| path.into_os_string().into_string().ok());
    SecretFile { path: path.unwrap_or(file.path), ..file }
}

fn find(file: &SecretFile, hasher: &RandomState) -> Found {
    let content = read_file(&file.path).map_err(|reason| Fault { reason, content: None })?;
    let content = Zeroizing::new(content);
    let fault = |reason| Fault { reason, content: Some(hasher.hash_one(content.as_str())) };
    file.variable.parse_file(&content).map_err(fault)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use tempfile::TempDir;
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::*;
    use crate::protocol::config::{AcceptedSecrets, ReadSecrets, SecretVariable};

    const TEST_TIMING: Timing =
        Timing { interval: Duration::from_millis(5), settling: Duration::from_millis(5) };
    const DEADLINE: Duration = Duration::from_secs(20);

    /// Files that are watched.
    struct Rig {
        directory: TempDir,
        secrets: watch::Receiver<Arc<SecretSet>>,
        log: Arc<Mutex<Vec<String>>>,
        task: JoinHandle<()>,
    }

    impl Rig {
        /// Watches the files of both gossip variables.
        fn new(current: &str, previous: &str) -> Self {
            let rig_directory = tempfile::tempdir().unwrap();
            let variables = [SecretVariable::Gossip, SecretVariable::PreviousGossip];
            let path_of = |variable: SecretVariable| rig_directory.path().join(variable.name());
            let mut files = Vec::new();
            for (variable, content) in variables.into_iter().zip([current, previous]) {
                fs::write(path_of(variable), content).unwrap();
                let path = path_of(variable).to_str().unwrap().to_owned();
                files.push(SecretFile { variable, path });
            }
            let [current, previous] = [0, 1].map(|index| find(&files[index], &RandomState::new()).unwrap());
            let control = AcceptedSecrets::new(Secret::new("a long control secret").unwrap(), Vec::new());
            let set = SecretSet {
                gossip: AcceptedSecrets::new(current[0].clone(), previous),
                control,
                read: ReadSecrets::default(),
                update_authorization: Secret::new("Bearer x").unwrap(),
            };
            let (sender, secrets) = watch::channel(Arc::new(set));
            let log = Arc::new(Mutex::new(Vec::new()));
            let lines = Arc::clone(&log);
            let sink: SharedLogSink = Arc::new(move |severity, message, reason| {
                lines.lock().unwrap().push(format!("{severity:?} {message} {}", reason.unwrap_or_default()));
            });
            let files = SecretFiles::new(files, sender).unwrap();
            let task = tokio::spawn(async move { files.watch_at(TEST_TIMING, &sink).await });
            Self { directory: rig_directory, secrets, log, task }
        }

        fn path(&self, variable: SecretVariable) -> PathBuf {
            self.directory.path().join(variable.name())
        }

        /// Replaces a file as editors and Kubernetes do.
        fn replace(&self, variable: SecretVariable, content: &str) {
            let new = self.directory.path().join("new");
            fs::write(&new, content).unwrap();
            fs::rename(new, self.path(variable)).unwrap();
        }

        async fn accepts(&mut self, secret: &str) {
            let accepted = self.secrets.wait_for(|set| set.gossip.accept(secret));
            timeout(DEADLINE, accepted).await.expect(secret).unwrap();
        }

        async fn rejects(&mut self, secret: &str) {
            let rejected = self.secrets.wait_for(|set| !set.gossip.accept(secret));
            timeout(DEADLINE, rejected).await.expect(secret).unwrap();
        }

        async fn has_logged(&self, count: usize) {
            let logged = async {
                while self.log.lock().unwrap().len() < count {
                    sleep(TEST_TIMING.interval).await;
                }
            };
            timeout(DEADLINE, logged).await.expect("log lines");
        }

        /// Returns the log, after the end of the task.
        async fn end(self) -> Vec<String> {
            self.task.abort();
            assert!(self.task.await.unwrap_err().is_cancelled());
            Arc::try_unwrap(self.log).unwrap().into_inner().unwrap()
        }
    }

    #[tokio::test]
    async fn a_replaced_or_rewritten_file_is_used() {
        let mut rig = Rig::new("the first of secrets\n", "");
        rig.replace(SecretVariable::Gossip, "the second of secrets\r\n");
        rig.accepts("the second of secrets").await;
        rig.rejects("the first of secrets").await;
        fs::write(rig.path(SecretVariable::PreviousGossip), "the first of secrets\n\nanother old secret")
            .unwrap();
        rig.accepts("another old secret").await;
        rig.accepts("the first of secrets").await;
        rig.replace(SecretVariable::PreviousGossip, "\n");
        rig.rejects("another old secret").await;
        let log = rig.end().await;
        let again = |name| format!("Info Clustershazbot: the file of {name} was read again ");
        let [current, previous] = ["SHAZBOT_SECRET_FILE", "SHAZBOT_SECRET_PREVIOUS_FILE"].map(again);
        assert_eq!(log, [current, previous.clone(), previous]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn files_that_change_together_are_used_together() {
        use std::os::unix::fs::symlink;

        let mut rig = Rig::new("the first of secrets", "");
        let directory = rig.directory.path().to_owned();
        // As in a volume of Kubernetes.
        for (version, secrets) in
            [("a", ["the first of secrets", ""]), ("b", ["the second of secrets", "the first of secrets"])]
        {
            fs::create_dir(directory.join(version)).unwrap();
            fs::write(directory.join(version).join("SHAZBOT_SECRET"), secrets[0]).unwrap();
            fs::write(directory.join(version).join("SHAZBOT_SECRET_PREVIOUS"), secrets[1]).unwrap();
        }
        let swap = |version: &str| {
            symlink(version, directory.join("new-data")).unwrap();
            fs::rename(directory.join("new-data"), directory.join("data")).unwrap();
        };
        swap("a");
        for name in ["SHAZBOT_SECRET", "SHAZBOT_SECRET_PREVIOUS"] {
            symlink(format!("data/{name}"), directory.join("new")).unwrap();
            fs::rename(directory.join("new"), directory.join(name)).unwrap();
        }
        swap("b");
        rig.accepts("the second of secrets").await;
        assert!(rig.secrets.borrow().gossip.accept("the first of secrets"));
        assert_eq!(rig.end().await.len(), 2);
    }

    #[tokio::test]
    async fn a_broken_file_keeps_the_secrets_and_is_logged_once() {
        let mut rig = Rig::new("the first of secrets", "an old secret of ours");
        let mut lines = 0;
        for broken in [Some(""), Some("hunter2 €"), Some("hunter3 €"), None] {
            match broken {
                Some(content) => rig.replace(SecretVariable::Gossip, content),
                None => fs::remove_file(rig.path(SecretVariable::Gossip)).unwrap(),
            }
            lines += 1;
            rig.has_logged(lines).await;
            // A change of the other file takes two checks more.
            let other = format!("an old secret, number {lines}");
            rig.replace(SecretVariable::PreviousGossip, &other);
            rig.accepts(&other).await;
            lines += 1;
            rig.accepts("the first of secrets").await;
        }
        rig.replace(SecretVariable::Gossip, "the first of secrets");
        rig.has_logged(lines + 1).await;
        let log = rig.end().await;
        let faults: Vec<_> = log.iter().filter(|line| line.starts_with("Error")).collect();
        let reasons = ["it is empty", "HTTP header", "HTTP header", "cannot be read"];
        assert!(faults.iter().zip(reasons).all(|(line, reason)| line.contains(reason)), "{log:?}");
        assert_eq!((faults.len(), log.len()), (4, 9), "{log:?}");
        assert!(!log.concat().contains("hunter"), "{log:?}");
    }

    #[tokio::test]
    async fn weak_secrets_are_warned_about_after_a_change() {
        let mut rig = Rig::new("the first of secrets", "");
        rig.replace(SecretVariable::Gossip, "hunter2");
        rig.accepts("hunter2").await;
        rig.replace(SecretVariable::PreviousGossip, "a long control secret");
        rig.accepts("a long control secret").await;
        let warnings: Vec<_> =
            rig.end().await.into_iter().filter(|line| line.starts_with("Warning")).collect();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("SHAZBOT_SECRET is shorter than 16 characters"), "{warnings:?}");
        assert!(warnings[1].contains("SHAZBOT_SECRET_PREVIOUS shares a secret with"), "{warnings:?}");
        assert!(!warnings.concat().contains("hunter2"));
    }

    #[test]
    fn only_regular_files_of_a_limited_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hunter2");
        let path = path.to_str().unwrap();
        let reason = |path: &str| read_file(path).unwrap_err();
        assert!(reason(path).starts_with("it cannot be read ("));
        assert_eq!(reason(directory.path().to_str().unwrap()), "it is not a regular file");
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize]).unwrap();
        assert_eq!(read_file(path).unwrap().len() as u64, MAX_FILE_BYTES);
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize + 1]).unwrap();
        assert_eq!(reason(path), "it is larger than 128 kB");
        fs::write(path, b"hunter2\xff").unwrap();
        assert!(reason(path).starts_with("it cannot be read (") && !reason(path).contains("hunter2"));
    }
}
