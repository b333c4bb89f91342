//! HTTPS: an identity signed by an authority of its own, HTTP/1.1 as ever, and HTTP/2 where both
//! sides want it.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

use crate::{
    connection::{self, Stream},
    reply::{Kind, Reply},
    seen::Seen,
    server::State,
};

/// Who a server says it is, and who vouches for that.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    ca_pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("ca_pem", &self.ca_pem).finish_non_exhaustive()
    }
}

impl Identity {
    /// A server named `name`, vouched for by a new authority that nobody trusts yet. It speaks
    /// HTTP/2 with those who want that.
    ///
    /// # Panics
    ///
    /// When no key can be made: a test can do nothing about that.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
    pub fn new(name: &str) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.expect("an identity");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { config: Arc::new(config), ca_pem: authority.pem() }
    }

    /// The same, but it only speaks HTTP/1.1.
    #[must_use]
    pub fn without_http2(mut self) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols.clear();
        self
    }

    /// The authority's certificate in PEM, for those who are to trust it.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

impl Stream for TlsStream<TcpStream> {
    fn set_reset(&mut self) {
        drop(self.get_ref().0.set_zero_linger());
    }
}

pub(crate) async fn serve(stream: TcpStream, acceptor: &TlsAcceptor, state: &Arc<State>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return connection::serve(stream, state).await;
    }
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let (go_away, mut goes_away) = mpsc::channel(1);
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let (state, go_away) = (state.clone(), go_away.clone());
                tokio::spawn(async move { drop(answer(request, respond, &state, &go_away).await) });
            }
            Some(()) = goes_away.recv() => connection.abrupt_shutdown(h2::Reason::NO_ERROR),
        }
    }
}

/// Answers one request: whole, late, or with a reset; bodies are not broken off.
async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    state: &State,
    go_away: &mpsc::Sender<()>,
) -> Result<(), h2::Error> {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let (in_hand, Reply { delay, kind }) = state.reply(Seen {
        index: 0,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: headers.chain([("version".into(), "2".into())]).collect(),
        body,
        in_flight: 0,
    });
    tokio::time::sleep(delay).await;
    drop(in_hand);
    match kind {
        Kind::GoAway => drop(go_away.send(()).await),
        Kind::Reset => respond.send_reset(h2::Reason::INTERNAL_ERROR),
        // What is no HTTP has no place within HTTP/2.
        Kind::Hang | Kind::Raw(_) => std::future::pending().await,
        Kind::Respond(response) => {
            let mut head = http::Response::builder().status(response.status);
            for (name, value) in &response.headers {
                head = head.header(name, value);
            }
            let head = head.body(()).unwrap_or_default();
            let mut stream = respond.send_response(head, false)?;
            stream.send_data(response.body.into_bytes().into(), true)?;
        }
    }
    Ok(())
}
