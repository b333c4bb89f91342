//! Who may ask: whoever has the token, by a plain GET, of this machine under its own name. Everything
//! else is refused before anything is read.
//!
//! A page of another site that the same browser shows has no token, and cannot get at it: the cookie
//! is sent along with requests of this site alone (`SameSite=Strict`) and no script sees it. A name that
//! somebody points to 127.0.0.1 (DNS rebinding) is another `Host`. Prometheus, which keeps no cookies, sends a token as `Authorization: Bearer`
//! for `/metrics`.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN,
            REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};

use crate::token::Token;

/// What a page may do: its own style, script and pictures, and nothing of anybody else's.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where the figures are.
const METRICS: &str = "/metrics";

/// What is known of those who may ask.
#[derive(Clone)]
pub(crate) struct Guard {
    token: Token,
    metrics_token: Option<Token>,
    port: u16,
}

impl Guard {
    pub(crate) fn new(token: Token, metrics_token: Option<Token>, port: u16) -> Self {
        Self { token, metrics_token, port }
    }

    /// Cookies do not tell ports apart: two viewers must not take each other's.
    fn cookie_name(&self) -> String {
        format!("evalmark-{}", self.port)
    }

    /// Whether the request came to this machine under one of its own names.
    fn is_own_host(&self, host: &str) -> bool {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
            host.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'))
                == Some(self.port.to_string().as_str())
        })
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        origin.strip_prefix("http://").is_some_and(|host| self.is_own_host(host))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|line| line.split(';')).any(|cookie| {
            let pair = cookie.trim().split_once('=');
            pair.is_some_and(|(key, value)| key == name && self.token.is(value))
        })
    }

    /// Whether the request may see the figures.
    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let tokens = [Some(&self.token), self.metrics_token.as_ref()];
        tokens.into_iter().flatten().any(|token| is_bearer(headers, token))
    }

    /// Why a request is refused.
    fn refusal(&self, request: &Request) -> Option<(StatusCode, &'static str)> {
        let headers = request.headers();
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let hosts = headers.get_all(HOST).iter().count();
        if hosts != 1 || !text(&HOST).is_some_and(|host| self.is_own_host(host)) {
            return Some((StatusCode::MISDIRECTED_REQUEST, "not a host of this viewer"));
        }
        if text(&ORIGIN).is_some_and(|origin| !self.is_own_origin(origin)) {
            return Some((StatusCode::FORBIDDEN, "another site's request"));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some((StatusCode::METHOD_NOT_ALLOWED, "nothing can be changed here"));
        }
        None
    }
}

/// Whether a request brings this token along as `Authorization: Bearer`.
pub(crate) fn is_bearer(headers: &HeaderMap, token: &Token) -> bool {
    let text = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let pair = text.and_then(|text| text.split_once(' '));
    pair.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim())
    })
}

/// The token of an address's query, and the address without it.
fn token_of(request: &Request) -> Option<(&str, String)> {
    let query = request.uri().query()?;
    let token = query.split('&').find_map(|part| part.strip_prefix("token="))?;
    let rest: Vec<_> = query.split('&').filter(|part| !part.starts_with("token=")).collect();
    let path = request.uri().path();
    // Two slashes at the start would name another host.
    let path = format!("/{}", path.trim_start_matches(['/', '\\']));
    let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Some((token, path + &rest))
}

/// Lets a request pass, or answers it.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = if let Some((status, why)) = guard.refusal(&request) {
        plain(status, why)
    } else if let Some((given, path)) = token_of(&request) {
        if guard.token.is(given) { let_in(&guard, &path) } else { no_token() }
    } else if guard.has_cookie(request.headers()) {
        next.run(request).await
    } else if request.uri().path() == METRICS {
        if guard.has_bearer(request.headers()) { next.run(request).await } else { no_bearer() }
    } else {
        no_token()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// Gives the token to the browser to keep, and takes it out of the address.
fn let_in(guard: &Guard, path: &str) -> Response {
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict",
        guard.cookie_name(),
        guard.token.text()
    );
    let mut response = plain(StatusCode::SEE_OTHER, "go on without the token in the address");
    let headers = response.headers_mut();
    let values = (HeaderValue::from_str(&cookie), HeaderValue::from_str(path));
    if let (Ok(cookie), Ok(path)) = values {
        headers.insert(SET_COOKIE, cookie);
        headers.insert(LOCATION, path);
    }
    response
}

fn no_token() -> Response {
    plain(
        StatusCode::FORBIDDEN,
        "open the address that `evalmark view` printed, with its token: it differs each time",
    )
}

fn no_bearer() -> Response {
    let says = "send the token of the address, or that of --metrics-token-env: Authorization: Bearer TOKEN";
    let mut response = plain(StatusCode::UNAUTHORIZED, says);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// A sentence.
fn plain(status: StatusCode, says: &'static str) -> Response {
    let mut response = Response::new(Body::from(format!("{says}\n")));
    *response.status_mut() = status;
    response
}
