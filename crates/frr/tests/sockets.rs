//! The sockets with a daemon that does what no real one does on demand. Needs neither root nor FRR.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use frrk8s_delta::{Batch, Command, Delta};
use frrk8s_document::{Daemon, Mark};
use frrk8s_frr::{Change, FrrError, Limits, Refusal, Sockets, Transport as _};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// What a daemon does at a line.
enum Does {
    Says(u8, &'static str),
    Writes(Vec<u8>),
    Nothing,
    Closes,
}

const TAKEN: Does = Does::Says(0, "");

/// A daemon that answers as it is told, and the lines that it has heard.
struct Fake {
    directory: TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new(does: impl Fn(&str) -> Does + Send + Sync + 'static) -> Self {
        let fake = Self { directory: tempfile::tempdir().unwrap(), heard: Arc::default() };
        let listener = UnixListener::bind(fake.directory.path().join("bgpd.vty")).unwrap();
        let (heard, does) = (Arc::clone(&fake.heard), Arc::new(does));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&heard), Arc::clone(&does)));
            }
        });
        fake
    }

    fn sockets(&self) -> Sockets {
        let limits = Limits {
            reply: Duration::from_millis(200),
            lock: Duration::from_millis(200),
            reply_bytes_max: 1 << 16,
            ..Limits::default()
        };
        Sockets::new(self.directory.path()).with_limits(limits)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(mut stream: UnixStream, heard: Arc<Mutex<Vec<String>>>, does: Arc<impl Fn(&str) -> Does>) {
    let mut line = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        if byte != 0 {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
        let answer = does(&text);
        heard.lock().unwrap().push(text);
        let bytes = match answer {
            Does::Says(status, text) => [text.as_bytes(), &[0, 0, 0, status]].concat(),
            Does::Writes(bytes) => bytes,
            // A real daemon has one thread.
            Does::Nothing => std::future::pending().await,
            Does::Closes => return,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn delta(lines: &[&str]) -> Delta {
    let command = |line: &&str| {
        let mut context: Vec<Box<str>> = line.split(" / ").map(Box::from).collect();
        let line = context.pop().unwrap();
        Command { context, line, mark: Mark::default() }
    };
    let batch = Batch { daemon: Daemon::Bgpd, commands: lines.iter().map(command).collect() };
    Delta { batches: vec![batch], ..Delta::default() }
}

async fn send(sockets: &mut Sockets, lines: &[&str]) -> Result<Vec<Refusal>, FrrError> {
    sockets.send(&Change { delta: &delta(lines), desired: "" }).await
}

const LINES: [&str; 3] = ["hostname a", "hostname b", "hostname c"];

#[tokio::test]
async fn a_socket_that_is_not_there_and_one_that_nobody_serves_differ() {
    let directory = tempfile::tempdir().unwrap();
    let error = Sockets::new(directory.path()).version().await.unwrap_err();
    assert_eq!(error.reason(), "SocketMissing");
    drop(UnixListener::bind(directory.path().join("bgpd.vty")).unwrap());
    let error = Sockets::new(directory.path()).version().await.unwrap_err();
    assert_eq!(error.reason(), "NotListening");
}

#[tokio::test]
async fn a_mute_socket_is_no_hang() {
    // Nobody accepts; and somebody accepts and says nothing.
    let directory = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(directory.path().join("bgpd.vty")).unwrap();
    let limits = Limits { reply: Duration::from_millis(200), ..Limits::default() };
    let error = Sockets::new(directory.path()).with_limits(limits).version().await.unwrap_err();
    assert_eq!(error.to_string(), "bgpd did not answer `enable` within 200ms");

    let fake = Fake::new(|_| Does::Nothing);
    let error = send(&mut fake.sockets(), &LINES).await.unwrap_err();
    assert_eq!(error.reason(), "DaemonTimedOut");
}

#[tokio::test]
async fn a_daemon_that_takes_no_more_connections_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bgpd.vty");
    let listener = UnixListener::bind(&path).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = UnixStream::connect(&path).await {
        waiting.push(stream);
    }
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let mut sockets = Sockets::new(directory.path()).with_limits(limits);
    assert_eq!(sockets.version().await.unwrap_err().reason(), "DaemonTimedOut");
    // As soon as it takes some, it is connected to again. (This one says nothing and closes.)
    let accepting = async { while listener.accept().await.is_ok() {} };
    let mut sockets = Sockets::new(directory.path());
    let error = tokio::select! {
        asked = sockets.version() => asked.unwrap_err(),
        () = accepting => unreachable!(),
    };
    assert_eq!(error.reason(), "DaemonClosed");
}

#[tokio::test]
async fn a_daemon_that_falls_silent_or_dies_in_a_batch_is_blamed_on_the_line() {
    for (dies, reason) in [(false, "DaemonTimedOut"), (true, "DaemonClosed")] {
        let fake = Fake::new(move |line| match line {
            "hostname b" if dies => Does::Closes,
            "hostname b" => Does::Nothing,
            _ => TAKEN,
        });
        let mut sockets = fake.sockets();
        let error = send(&mut sockets, &LINES).await.unwrap_err();
        assert_eq!(error.reason(), reason);
        let (FrrError::TimedOut { at, .. } | FrrError::Closed { at, .. }) = &error else { panic!("{error}") };
        // `c` has been sent before anybody knows that `b` has no answer.
        assert_eq!((at.batch, at.command, &*at.line), (Some(0), Some(1), "hostname b"));
        // What was cut off is not used again.
        assert_eq!(send(&mut sockets, &LINES[..1]).await.unwrap(), []);
        assert_eq!(fake.heard().iter().filter(|line| *line == "enable").count(), 2);
    }
}

#[tokio::test]
async fn a_daemon_that_dies_is_blamed_on_the_line_however_much_was_sent_ahead() {
    let lines: Vec<String> = (0..1000).map(|number| format!("hostname {number}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for dies_at in [0, 31, 32, 33, 63, 64, 100, 500, 999] {
        let fake =
            Fake::new(move |line| if line == format!("hostname {dies_at}") { Does::Closes } else { TAKEN });
        let error = send(&mut fake.sockets(), &lines).await.unwrap_err();
        let FrrError::Closed { at, .. } = &error else { panic!("{error}") };
        assert_eq!(at.command, Some(dies_at), "{error}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_configuration_always_left() {
    let fake =
        Fake::new(|line| if line == "hostname b" { Does::Says(2, "% Unknown command") } else { TAKEN });
    let mut sockets = fake.sockets();
    for _ in 0..2 {
        let refused = send(&mut sockets, &LINES).await.unwrap();
        assert_eq!(refused.iter().map(|refusal| refusal.command).collect::<Vec<_>>(), [Some(1)]);
    }
    let batch = ["configure terminal", "XFRR_start_configuration", "hostname a", "hostname b", "hostname c"];
    let batch = [&batch[..], &["XFRR_end_configuration", "end"]].concat();
    assert_eq!(fake.heard(), [&["enable"], &batch[..], &batch[..]].concat());
}

#[tokio::test]
async fn what_hangs_on_a_refused_context_is_not_told() {
    let fake =
        Fake::new(|line| if line == "router bgp 1" { Does::Says(13, "BGP is running\n") } else { TAKEN });
    let lines = [
        "router bgp 1 / neighbor a activate",
        "router bgp 1 / address-family ipv4 unicast / network b",
        "hostname c",
    ];
    let refused = send(&mut fake.sockets(), &lines).await.unwrap();
    assert_eq!(refused.iter().map(|refusal| refusal.command).collect::<Vec<_>>(), [Some(0)]);
    assert_eq!(
        fake.heard()[2..],
        ["XFRR_start_configuration", "router bgp 1", "hostname c", "XFRR_end_configuration", "end"]
    );
}

#[tokio::test]
async fn a_text_that_would_be_two_lines_is_not_sent() {
    let fake = Fake::new(|_| TAKEN);
    let error = send(&mut fake.sockets(), &["hostname a", "neighbor a password s3cret\nhostname b"])
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "NotOneLine");
    assert!(!format!("{error:?}").contains("s3cret"));
    assert_eq!(fake.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reply_has_a_limit_and_a_form() {
    for (bytes, reason) in [(vec![b'x'; 1 << 17], "ReplyTooLong"), (b"text\0\0x\0".to_vec(), "NotAReply")] {
        let fake =
            Fake::new(move |line| if line == "show version" { Does::Writes(bytes.clone()) } else { TAKEN });
        assert_eq!(fake.sockets().version().await.unwrap_err().reason(), reason);
    }
}

#[tokio::test]
async fn a_daemon_that_lets_nobody_configure_gets_no_line() {
    for (text, reason) in
        [("% locked by another session\n", "Locked"), ("% No permission\n", "ConfigurationDenied")]
    {
        let fake = Fake::new(move |line| if line.starts_with("conf") { Does::Says(13, text) } else { TAKEN });
        let error = send(&mut fake.sockets(), &LINES).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(!fake.heard().iter().any(|line| line.starts_with("hostname")));
    }
}

#[tokio::test]
async fn replies_in_pieces_are_put_together() {
    let fake = Fake::new(|line| match line {
        // The end of this reply and all of the next come in one piece.
        "hostname a" => Does::Writes(Vec::new()),
        "hostname b" => Does::Writes(b"% one\0\0\0\x0d\0\0\0\0".to_vec()),
        "hostname c" => Does::Writes(b"\0".to_vec()),
        "XFRR_end_configuration" => Does::Writes(b"\0\0\0\0\0\0\0".to_vec()),
        _ => TAKEN,
    });
    let mut limits_hold = fake.sockets();
    let error = send(&mut limits_hold, &LINES).await.unwrap_err();
    // One byte of the answer to `c` is there, and the end is not told before it is whole.
    assert_eq!(error.to_string(), "bgpd did not answer `hostname c` (command 2 of batch 0) within 200ms");
}

#[tokio::test]
async fn a_line_that_commits_what_was_told_before_it_is_not_the_only_suspect() {
    let lines = [
        "ip prefix-list a seq 1 permit any",
        "router bgp 1 / neighbor a remote-as 2",
        "router bgp 1 / neighbor b remote-as 2",
    ];
    let places = [
        (lines[0], Some(0), false),
        ("router bgp 1", Some(1), true),
        ("neighbor a remote-as 2", Some(1), false),
        ("neighbor b remote-as 2", Some(2), false),
        ("exit", None, false),
    ];
    for (dies_at, command, commits) in places {
        let fake = Fake::new(move |line| if line == dies_at { Does::Closes } else { TAKEN });
        let error = send(&mut fake.sockets(), &lines).await.unwrap_err();
        let FrrError::Closed { at, .. } = &error else { panic!("{error}") };
        assert_eq!((&*at.line, at.command, at.commits), (dies_at, command, commits));
    }
}
