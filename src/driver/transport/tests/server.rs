//! A scripted HTTP server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A server on a free loopback port that follows a script.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Log {
    requests: Vec<ReceivedRequest>,
    closed_connections: usize,
}

/// A received request; the bytes of its head are decoded as Latin-1.
#[derive(Debug, Clone)]
pub(super) struct ReceivedRequest {
    pub(super) connection: usize,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// The server's reaction to a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Sends these bytes and keeps the connection open.
    Response(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Close(Vec<u8>),
    /// Resets the connection.
    Reset,
    /// Sends the first bytes, then the second ones repeatedly.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends nothing.
    Silence,
}

impl Server {
    /// `script` receives the number of the request, counted from 0, and the request.
    pub(super) async fn start(
        script: impl Fn(usize, &ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(super) fn on(
        listener: TcpListener,
        script: impl Fn(usize, &ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let (script, shared) = (Arc::new(script), log.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log) = (script.clone(), shared.clone());
                connections.spawn(async move {
                    serve_connection(stream, connection, &*script, &log).await;
                    log.lock().unwrap().closed_connections += 1;
                });
            }
        });
        Self { address, log, _tasks: tasks }
    }

    /// The URL of a path on this server.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.log.lock().unwrap().requests.clone()
    }

    pub(super) fn closed_connections(&self) -> usize {
        self.log.lock().unwrap().closed_connections
    }
}

impl ReceivedRequest {
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// All values of a header, whose name is compared without case.
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

impl Reply {
    pub(super) fn ok(body: &str) -> Self {
        response("200 OK", &[], body.as_bytes())
    }

    pub(super) fn redirect(status: u16, to: &str) -> Self {
        response(&format!("{status} Elsewhere"), &[("Location", to)], b"")
    }
}

/// A response with a `Content-Length`.
pub(super) fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    Reply::Response([text.as_bytes(), body].concat())
}

/// Waits until a condition holds.
pub(super) async fn wait_until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("timed out");
}

async fn serve_connection(
    mut stream: TcpStream,
    connection: usize,
    script: &(impl Fn(usize, &ReceivedRequest) -> Reply + Sync),
    log: &Mutex<Log>,
) {
    while let Some(received) = read_request(&mut stream, connection).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.requests.push(received.clone());
            log.requests.len() - 1
        };
        match script(number, &received) {
            Reply::Response(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Reply::Endless(head, again) => {
                let mut written = stream.write_all(&head).await;
                while written.is_ok() {
                    written = stream.write_all(&again).await;
                }
                return;
            }
            Reply::Silence => (),
        }
    }
}

/// Reads the next request; `None` after the end of the connection.
async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<ReceivedRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = head.into_iter().map(char::from).collect();
    let mut received = ReceivedRequest { connection, head, body: Vec::new() };
    let length = received.header("content-length").first().map_or(0, |length| length.parse().unwrap());
    received.body.resize(length, 0);
    stream.read_exact(&mut received.body).await.ok()?;
    Some(received)
}
