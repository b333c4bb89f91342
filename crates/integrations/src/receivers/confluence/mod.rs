//! `confluence`: a page of Confluence for each suite, with the last verdict, its figures and the runs before it.
//!
//! Cloud and Data Center speak two dialects of one protocol. A page is changed only from the version that was read: where
//! somebody changed it meanwhile (409), it is read again. The runs before are kept as a property of the page, and shown as a
//! picture that is attached to it.

mod history;
mod page;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest, Method, StatusCode, Url};
use evalmark_report::run_message::RunMessage;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    history::{History, PastRun, picture, with_run},
    page::{PICTURE, page_body},
};
use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Fate, Outgoing},
    definition::{About, DefineReceiver, Letter},
    server::{Server, below},
};

/// How often a page is read again that somebody changes meanwhile.
const MOST_CONFLICTS: u32 = 3;

/// The property that keeps the history.
const PROPERTY: &str = "evalmark-history";

/// Which Confluence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Edition {
    /// Atlassian's own, below `atlassian.net`.
    Cloud,
    /// A server of one's own.
    DataCenter,
}

/// Parameters of `confluence`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The key of the space that the page is in.
    space: String,
    /// The page's title. Default: `Evaluation of ` and the suite's name.
    #[serde(default)]
    title: Option<String>,
    /// The ID of the page that a new page stands below.
    #[serde(default)]
    parent: Option<String>,
    /// Which Confluence it is. Default: what the address says.
    #[serde(default)]
    edition: Option<Edition>,
    /// Whether a picture of the scores so far is attached to the page. Default: it is, once there are two runs.
    #[serde(default = "yes")]
    picture: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
pub(super) struct Confluence {
    server: Server,
    space: String,
    title: Option<String>,
    parent: Option<String>,
    edition: Option<Edition>,
    has_picture: bool,
}

impl DefineReceiver for Confluence {
    const ABOUT: About = About {
        name: "confluence",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Confluence: a page for each suite, with the last verdict, its figures and the runs before it.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let Params { space, title, parent, edition, picture: has_picture } = own;
        let wrong = |pointer: &str, message: &str| ParamError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        let is_key = |c: char| c.is_ascii_alphanumeric() || "~._-".contains(c);
        if space.is_empty() || space.len() > 255 || !space.chars().all(is_key) {
            return Err(wrong("/space", "`space` is the key of a space, such as `QA`"));
        }
        let is_title = |title: &String| !title.trim().is_empty() && title.chars().count() <= 255;
        if title.as_ref().is_some_and(|title| !is_title(title)) {
            return Err(wrong("/title", "`title` has 1 to 255 characters"));
        }
        let is_id = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if parent.as_ref().is_some_and(|parent| !is_id(parent)) {
            return Err(wrong("/parent", "`parent` is the ID of a page: digits in quotes"));
        }
        Ok(Self { server: Server::open(shared)?, space, title, parent, edition, has_picture })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        self.server.secrets()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let base = self.server.address(courier)?;
        let is_cloud = base.host_str().is_some_and(|host| host.ends_with(".atlassian.net"));
        let edition =
            self.edition.unwrap_or(if is_cloud { Edition::Cloud } else { Edition::DataCenter });
        // Cloud has Confluence below a path, which people leave out.
        let needs_path = edition == Edition::Cloud && base.path() == "/" && is_cloud;
        let base = if needs_path { below(&base, &["wiki"]) } else { base };
        let message = letter.message;
        let title =
            self.title.clone().unwrap_or_else(|| format!("Evaluation of {}", message.suite));
        let title = title.chars().take(255).collect();
        let mut api = Api { receiver: self, base, edition, title, courier };
        for _ in 0..MOST_CONFLICTS {
            match api.write(message) {
                Err(error) if error.status == Some(StatusCode::CONFLICT) => {}
                written => return written.map(|id| Some(json!({ "page": id }))),
            }
        }
        Err(DeliveryError::new(Fate::NotArrived(None), "others are changing the page"))
    }
}

/// The part of Confluence's REST API that is used.
struct Api<'a> {
    receiver: &'a Confluence,
    base: Url,
    edition: Edition,
    title: String,
    courier: &'a mut dyn Courier,
}

/// A page, or what is found of it.
#[derive(Debug, Deserialize)]
struct Page {
    id: String,
    #[serde(default)]
    version: Version,
}

#[derive(Debug, Default, Deserialize)]
struct Version {
    #[serde(default)]
    number: u64,
}

#[derive(Debug, Deserialize)]
struct Found<T> {
    #[serde(default = "Vec::new")]
    results: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct Space {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Attachment {
    id: String,
}

/// The history as a property of a page.
#[derive(Debug, Default, Deserialize)]
struct Property {
    #[serde(default)]
    id: String,
    #[serde(default)]
    value: History,
    #[serde(default)]
    version: Version,
}

impl Api<'_> {
    fn send<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        sample: Value,
    ) -> Result<T, DeliveryError> {
        let mut request = match body {
            Some(body) => HttpRequest::post_json(url, body.to_string().into_bytes()),
            None => HttpRequest::get(url),
        };
        request.method = method;
        let request = self.receiver.server.signed(request, self.courier)?;
        let answer = self.courier.send(Outgoing { request, sample })?;
        serde_json::from_slice(&answer).map_err(|_| {
            DeliveryError::new(Fate::InDoubt, "the answer is none that Confluence gives")
        })
    }

    /// An address of the API: of version 2 in Cloud, of version 1 in Data Center.
    fn url(&self, cloud: &[&str], data_center: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = match self.edition {
            Edition::Cloud => below(&self.base, &[&["api", "v2"], cloud].concat()),
            Edition::DataCenter => below(&self.base, &[&["rest", "api"], data_center].concat()),
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Makes the page, or changes it from the version that was read; answers with its ID.
    fn write(&mut self, message: &RunMessage) -> Result<String, DeliveryError> {
        let space = self.space()?;
        let Some(page) = self.find(&space)? else {
            // One run makes no picture.
            let history = with_run(Vec::new(), message);
            let page = self.create(&space, &page_body(message, &history, false))?;
            self.keep_history(&page.id, &Property::default(), history)?;
            return Ok(page.id);
        };
        let property = self.property(&page.id)?;
        let history = with_run(property.value.runs.clone(), message);
        let picture = picture(&history, message).filter(|_| self.receiver.has_picture);
        if let Some(picture) = &picture {
            self.attach(&page.id, picture)?;
        }
        self.update(&page, &page_body(message, &history, picture.is_some()), message)?;
        self.keep_history(&page.id, &property, history)?;
        Ok(page.id)
    }

    /// Attaches the picture to the page, in the place of the one that is there.
    fn attach(&mut self, page: &str, picture: &[u8]) -> Result<(), DeliveryError> {
        let all = ["rest", "api", "content", page, "child", "attachment"];
        let url = below(&self.base, &all);
        // Cloud makes or replaces it by one request, which Data Center does not know.
        let (method, url) = match self.edition {
            Edition::Cloud => (Method::PUT, url),
            Edition::DataCenter => {
                let mut named = url.clone();
                named.query_pairs_mut().append_pair("filename", PICTURE);
                let found: Found<Attachment> =
                    self.send(Method::GET, named, None, json!({ "results": [] }))?;
                let there = found.results.first().map(|one| below(&url, &[&one.id, "data"]));
                (Method::POST, there.unwrap_or(url))
            }
        };
        let (kind, body) = multipart(picture);
        let mut request = HttpRequest::post_json(url, body);
        request.method = method;
        request.headers.insert("content-type", kind);
        // Without it, Confluence takes the upload for one of another site's.
        request.headers.insert("x-atlassian-token", HeaderValue::from_static("nocheck"));
        let request = self.receiver.server.signed(request, self.courier)?;
        self.courier.send(Outgoing::alone(request)).map(drop)
    }

    /// What names the space: its ID in Cloud, its key in Data Center.
    fn space(&mut self) -> Result<String, DeliveryError> {
        let key = self.receiver.space.clone();
        if self.edition == Edition::DataCenter {
            return Ok(key);
        }
        let url = self.url(&["spaces"], &[], &[("keys", &key)]);
        let found: Found<Space> =
            self.send(Method::GET, url, None, json!({ "results": [{ "id": "1" }] }))?;
        let space = found.results.into_iter().next();
        let unknown =
            || DeliveryError::refused(format!("Confluence has no space `{key}` for this user"));
        space.map(|space| space.id).ok_or_else(unknown)
    }

    fn find(&mut self, space: &str) -> Result<Option<Page>, DeliveryError> {
        let (title, key) = (self.title.clone(), self.receiver.space.clone());
        let query: &[_] = match self.edition {
            Edition::Cloud => &[("space-id", space), ("title", &*title)],
            Edition::DataCenter => {
                &[("spaceKey", &*key), ("title", &*title), ("type", "page"), ("expand", "version")]
            }
        };
        let url = self.url(&["pages"], &["content"], query);
        let found: Found<Page> = self.send(Method::GET, url, None, json!({ "results": [] }))?;
        Ok(found.results.into_iter().next())
    }

    fn create(&mut self, space: &str, storage: &str) -> Result<Page, DeliveryError> {
        let url = self.url(&["pages"], &["content"], &[]);
        let parent = self.receiver.parent.as_deref();
        let body = match self.edition {
            Edition::Cloud => json!({
                "spaceId": space, "status": "current", "title": self.title, "parentId": parent,
                "body": { "representation": "storage", "value": storage },
            }),
            Edition::DataCenter => {
                let ancestors: Vec<_> = parent.iter().map(|id| json!({ "id": id })).collect();
                json!({
                    "type": "page", "title": self.title, "space": { "key": space },
                    "ancestors": ancestors,
                    "body": { "storage": { "representation": "storage", "value": storage } },
                })
            }
        };
        self.send(Method::POST, url, Some(&body), json!({ "id": "1" }))
    }

    fn update(
        &mut self,
        page: &Page,
        storage: &str,
        message: &RunMessage,
    ) -> Result<(), DeliveryError> {
        let url = self.url(&["pages", &page.id], &["content", &page.id], &[]);
        let why = format!("evalmark: {} ({})", message.answer, message.run_id);
        let version = json!({ "number": page.version.number + 1, "message": why });
        let body = match self.edition {
            Edition::Cloud => json!({
                "id": page.id, "status": "current", "title": self.title, "version": version,
                "body": { "representation": "storage", "value": storage },
            }),
            Edition::DataCenter => json!({
                "id": page.id, "type": "page", "title": self.title, "version": version,
                "body": { "storage": { "representation": "storage", "value": storage } },
            }),
        };
        self.send::<Value>(Method::PUT, url, Some(&body), json!({})).map(drop)
    }

    fn property(&mut self, page: &str) -> Result<Property, DeliveryError> {
        if self.edition == Edition::Cloud {
            let url = self.url(&["pages", page, "properties"], &[], &[("key", PROPERTY)]);
            let found: Found<Property> =
                self.send(Method::GET, url, None, json!({ "results": [] }))?;
            return Ok(found.results.into_iter().next().unwrap_or_default());
        }
        let url = self.url(&[], &["content", page, "property", PROPERTY], &[]);
        match self.send(Method::GET, url, None, json!({})) {
            Err(error) if error.status == Some(StatusCode::NOT_FOUND) => Ok(Property::default()),
            found => found,
        }
    }

    fn keep_history(
        &mut self,
        page: &str,
        earlier: &Property,
        runs: Vec<PastRun>,
    ) -> Result<(), DeliveryError> {
        let mut body = json!({ "key": PROPERTY, "value": History { runs } });
        let is_new = earlier.version.number == 0;
        let (method, url) = if is_new {
            let url = self.url(&["pages", page, "properties"], &["content", page, "property"], &[]);
            (Method::POST, url)
        } else {
            body["version"] = json!({ "number": earlier.version.number + 1 });
            let url = self.url(
                &["pages", page, "properties", &earlier.id],
                &["content", page, "property", PROPERTY],
                &[],
            );
            (Method::PUT, url)
        };
        self.send::<Value>(method, url, Some(&body), json!({})).map(drop)
    }
}

/// A picture as a form with one file, and the form's type.
fn multipart(picture: &[u8]) -> (HeaderValue, Vec<u8>) {
    // By the picture, so that the same picture is the same request.
    let boundary = format!("evalmark-{}", &blake3::hash(picture).to_hex()[..32]);
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{PICTURE}\"\r\ncontent-type: image/png\r\n\r\n"
    );
    let minor = format!(
        "\r\n--{boundary}\r\ncontent-disposition: form-data; name=\"minorEdit\"\r\n\r\ntrue\r\n--{boundary}--\r\n"
    );
    let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
    let kind = kind.unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"));
    (kind, [head.as_bytes(), picture, minor.as_bytes()].concat())
}
