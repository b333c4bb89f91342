//! One connection: requests in, replies out, until either side has had enough.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    reply::{Kind, Response, Sending},
    seen::Seen,
    server::State,
};

/// The timer's resolution.
const TICK: Duration = Duration::from_millis(1);

/// Whether the connection goes on after a reply.
enum After {
    KeepAlive,
    Close,
    Reset,
}

/// What a request comes in over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Lets the connection end with a reset, as far as it can.
    fn set_reset(&mut self);
}

impl Stream for TcpStream {
    fn set_reset(&mut self) {
        drop(self.set_zero_linger());
    }
}

/// Serves a connection until it ends; how it ends is of no interest.
pub(crate) async fn serve(mut stream: impl Stream, state: &State) {
    let mut buffer = Vec::new();
    while let Ok(Some(seen)) = read(&mut stream, &mut buffer).await {
        match answer(&mut stream, state, seen).await {
            Ok(After::KeepAlive) => {}
            Ok(After::Reset) => return stream.set_reset(),
            Ok(After::Close) | Err(_) => return,
        }
    }
}

async fn answer(stream: &mut impl Stream, state: &State, seen: Seen) -> io::Result<After> {
    let (in_hand, reply) = state.reply(seen);
    if !reply.delay.is_zero() {
        // The timer rounds up to whole milliseconds, and so does the wait for it: by half of one
        // each, in the mean.
        tokio::time::sleep(reply.delay.saturating_sub(TICK)).await;
    }
    let response = match reply.kind {
        Kind::Reset | Kind::GoAway => return Ok(After::Reset),
        Kind::Hang => {
            // The client's end is all there is to wait for.
            drop(stream.read(&mut [0; 1]).await);
            return Ok(After::Close);
        }
        Kind::Raw(bytes) => {
            drop(in_hand);
            stream.write_all(&bytes).await?;
            return Ok(After::Close);
        }
        Kind::Respond(response) => response,
    };
    let (sending, is_lying) = (response.sending, response.announced.is_some());
    let (head, body) = head_and_body(response);
    if !matches!(sending, Sending::Whole) {
        return send(stream, sending, &head, &body).await;
    }
    // Out of the server's hands before the client can know, so that nothing is counted twice.
    drop(in_hand);
    stream.write_all(&[head, body].concat()).await?;
    Ok(if is_lying { After::Close } else { After::KeepAlive })
}

/// Sends a body in any way but whole.
async fn send(
    stream: &mut impl Stream,
    sending: Sending,
    head: &[u8],
    body: &[u8],
) -> io::Result<After> {
    stream.write_all(head).await?;
    match sending {
        Sending::Whole => stream.write_all(body).await?,
        Sending::HalfThenClose | Sending::HalfThenReset => {
            stream.write_all(&body[..body.len() / 2]).await?;
            if matches!(sending, Sending::HalfThenClose) {
                return Ok(After::Close);
            }
            // Unsent bytes would be lost with the reset: let the client see the first half.
            tokio::time::sleep(Duration::from_millis(1)).await;
            return Ok(After::Reset);
        }
        Sending::Drip(bytes, every) => {
            for piece in body.chunks(bytes) {
                stream.write_all(piece).await?;
                tokio::time::sleep(every).await;
            }
        }
        Sending::Endless => loop {
            stream.write_all(body).await?;
            tokio::task::yield_now().await;
        },
    }
    Ok(After::KeepAlive)
}

fn head_and_body(response: Response) -> (Vec<u8>, Vec<u8>) {
    let body = response.body.into_bytes();
    let mut head = format!("HTTP/1.1 {} Loopback\r\n", response.status);
    let is_typed = response.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type"));
    if !is_typed {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in &response.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if matches!(response.sending, Sending::Endless) {
        head.push_str("connection: close\r\n\r\n");
    } else {
        let length = response.announced.unwrap_or(body.len());
        head.extend(["content-length: ", &length.to_string(), "\r\n\r\n"]);
    }
    (head.into_bytes(), body)
}

/// Reads one request; `None` when the client has closed.
async fn read(stream: &mut impl Stream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    let head_length = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_length]).into_owned();
    let mut seen = parse(&head);
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < head_length + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    seen.body = buffer[head_length..head_length + length].to_vec();
    buffer.drain(..head_length + length);
    Ok(Some(seen))
}

fn parse(head: &str) -> Seen {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Seen { index: 0, method, path, headers, body: Vec::new(), in_flight: 0 }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        time::Duration,
    };

    use crate::{Reply, Server};

    /// What comes back for `requests` on one connection, until the server closes it.
    fn talk(server: &Server, requests: &str) -> String {
        let address = server.url().replace("http://", "").replace("/v1", "");
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(requests.as_bytes()).expect("a request");
        // A server that resets at once may have ended the connection already.
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut text = Vec::new();
        drop(stream.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    fn post(body: &str) -> String {
        format!("POST /v1/x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn keeps_connections_and_numbers_requests() {
        let server = Server::start(|seen| Reply::bytes(format!("#{}", seen.index)));
        let text = talk(&server, &format!("{}{}", post("{}"), post("[1]")));
        assert!(text.contains("\r\n\r\n#0HTTP/1.1 200") && text.ends_with("#1"), "{text}");
        assert_eq!((server.count(), server.connections(), server.max_in_flight()), (2, 1, 1));
        let seen = server.requests();
        assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/v1/x"));
        assert_eq!(seen[1].json(), serde_json::json!([1]));
    }

    #[test]
    fn completions_are_json() {
        let server = Server::start(|seen| Reply::text(seen.prompt()).usage(3, 4));
        let text = talk(&server, &post(r#"{"messages":[{"content":"say \"hi\""}]}"#));
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(json["choices"][0]["message"]["content"], "say \"hi\"");
        assert_eq!(json["usage"]["total_tokens"], 7);
    }

    fn check_fault(reply: Reply, is_expected: impl Fn(&str) -> bool) {
        let shown = format!("{reply:?}");
        let server = Server::start(move |_| reply.clone());
        let text = talk(&server, &post("{}"));
        assert!(is_expected(&text), "{shown} gave {text:?}");
    }

    #[test]
    fn fails_as_asked() {
        check_fault(Reply::reset(), str::is_empty);
        check_fault(Reply::hang(), str::is_empty);
        check_fault(Reply::bytes("abcd").truncated(), |text| {
            text.contains("content-length: 4") && text.ends_with("\r\n\r\nab")
        });
        check_fault(Reply::bytes("abcd").reset_inside(), |text| !text.contains("cd"));
        check_fault(Reply::bytes("abcd").content_length(2), |text| {
            text.contains("content-length: 2") && text.ends_with("abcd")
        });
        check_fault(Reply::status(429).header("retry-after", "1"), |text| {
            text.starts_with("HTTP/1.1 429") && text.contains("retry-after: 1\r\n")
        });
        check_fault(Reply::raw("HTTP/1.1 banana"), |text| text == "HTTP/1.1 banana");
        check_fault(Reply::bytes("abcd").drip(1, Duration::from_millis(1)), |text| {
            text.ends_with("abcd")
        });
    }
}
