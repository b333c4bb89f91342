//! Panels of a Grafana dashboard, and where they stand.

use serde_json::{Value, json};

/// Columns of a dashboard.
const COLUMNS: u32 = 24;

/// Rows of the grid that a panel takes.
const HEIGHT: u32 = 8;

/// Rows of the grid that a number takes.
const SMALL: u32 = 4;

/// Panels in their order, from left to right and from top to bottom.
#[derive(Default)]
pub(super) struct Grid {
    panels: Vec<Value>,
    x: u32,
    y: u32,
    /// The height of the line that is being filled.
    line: u32,
}

impl Grid {
    /// Begins a part with a headline.
    pub(super) fn row(&mut self, title: &str) {
        self.next_line();
        let place = json!({ "x": 0, "y": self.y, "w": COLUMNS, "h": 1 });
        let id = self.panels.len() + 1;
        self.panels.push(json!({
            "id": id, "type": "row", "title": title, "collapsed": false, "gridPos": place, "panels": [],
        }));
        self.y += 1;
    }

    /// Adds a panel of so many columns.
    pub(super) fn add(&mut self, columns: u32, panel: Panel) {
        if self.x + columns > COLUMNS {
            self.next_line();
        }
        let height = if panel.kind == "stat" { SMALL } else { HEIGHT };
        let place = json!({ "x": self.x, "y": self.y, "w": columns, "h": height });
        let id = self.panels.len() + 1;
        self.panels.push(panel.finish(id, &place));
        self.x += columns;
        self.line = self.line.max(height);
    }

    fn next_line(&mut self) {
        self.y += self.line;
        (self.x, self.line) = (0, 0);
    }

    pub(super) fn panels(self) -> Vec<Value> {
        self.panels
    }
}

/// What values are measured in.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Number,
    Share,
    Seconds,
    Dollars,
}

/// What a panel asks Prometheus for.
pub(super) struct Query {
    expr: String,
    legend: String,
}

impl Query {
    pub(super) fn new(expr: String, legend: &str) -> Self {
        Self { expr, legend: legend.to_owned() }
    }
}

/// One panel.
pub(super) struct Panel {
    kind: &'static str,
    title: String,
    says: String,
    queries: Vec<Query>,
    unit: Unit,
    mappings: Vec<Value>,
    is_stacked: bool,
}

/// What a value is shown as.
pub(super) fn mapping(value: &str, text: &str, color: &str) -> Value {
    json!({ "type": "value", "options": { value: { "text": text, "color": color, "index": 0 } } })
}

impl Panel {
    fn new(kind: &'static str, title: &str, says: &str) -> Self {
        let (title, says) = (title.to_owned(), says.to_owned());
        let (queries, mappings) = (Vec::new(), Vec::new());
        Self { kind, title, says, queries, unit: Unit::Number, mappings, is_stacked: false }
    }

    /// One number.
    pub(super) fn stat(title: &str, says: &str) -> Self {
        Self::new("stat", title, says)
    }

    /// Values over time.
    pub(super) fn lines(title: &str, says: &str) -> Self {
        Self::new("timeseries", title, says)
    }

    /// States over time.
    pub(super) fn timeline(title: &str, says: &str) -> Self {
        Self::new("state-timeline", title, says)
    }

    pub(super) fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    pub(super) fn mapped(self, mappings: Vec<Value>) -> Self {
        Self { mappings, ..self }
    }

    pub(super) fn stacked(self) -> Self {
        Self { is_stacked: true, ..self }
    }

    pub(super) fn query(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    fn finish(self, id: usize, place: &Value) -> Value {
        let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
        let targets = self.queries.iter().zip('A'..).map(|(query, letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": datasource,
                "expr": query.expr,
                "legendFormat": query.legend,
                "range": self.kind != "stat",
                "instant": self.kind == "stat",
            })
        });
        let targets: Vec<_> = targets.collect();
        let unit = match self.unit {
            Unit::Number => "none",
            Unit::Share => "percentunit",
            Unit::Seconds => "s",
            Unit::Dollars => "currencyUSD",
        };
        json!({
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.says,
            "datasource": datasource,
            "gridPos": place,
            "targets": targets,
            "fieldConfig": {
                "defaults": { "unit": unit, "mappings": self.mappings, "custom": self.custom() },
                "overrides": [],
            },
            "options": self.options(),
        })
    }

    /// How values are drawn.
    fn custom(&self) -> Value {
        match self.kind {
            "timeseries" => {
                let mode = if self.is_stacked { "normal" } else { "none" };
                json!({
                    "drawStyle": "line",
                    "lineInterpolation": "stepAfter",
                    "lineWidth": 2,
                    "fillOpacity": if self.is_stacked { 30 } else { 0 },
                    "showPoints": "auto",
                    // A run is one value: lines go on to the next.
                    "spanNulls": true,
                    "stacking": { "mode": mode, "group": "A" },
                })
            }
            "state-timeline" => json!({ "lineWidth": 0, "fillOpacity": 80 }),
            _ => json!({}),
        }
    }

    fn options(&self) -> Value {
        match self.kind {
            "stat" => json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "colorMode": "background",
                "graphMode": "none",
                "textMode": "value",
                "justifyMode": "auto",
                "orientation": "auto",
            }),
            "state-timeline" => json!({
                "mergeValues": true,
                "showValue": "never",
                "alignValue": "left",
                "rowHeight": 0.9,
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
                "tooltip": { "mode": "single", "sort": "none" },
            }),
            _ => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
        }
    }
}
