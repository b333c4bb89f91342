//! Labels that files hold as numbers, and their names, as the `datasets` library describes features.

use evalmark_core::fields::Fields;
use serde_json::Value;

/// The names of labels, by column.
#[derive(Debug, Default)]
pub(super) struct LabelNames(Vec<(String, Vec<String>)>);

impl LabelNames {
    /// As `dataset_info.json` has them: `{"label": {"names": […], "_type": "ClassLabel"}}`.
    pub(super) fn of_json(info: &Value) -> Self {
        let features = info["features"].as_object().into_iter().flatten();
        let named = features.filter_map(|(column, feature)| {
            let inner = [feature, &feature["feature"], &feature[0]];
            let label = inner.into_iter().find(|inner| inner["_type"] == "ClassLabel")?;
            Some((column.clone(), names(&label["names"])?))
        });
        Self(named.collect())
    }

    /// As the front matter of a `README.md` has them, of one configuration.
    pub(super) fn of_readme(front: &Value, config: Option<&str>) -> Self {
        let info = &front["dataset_info"];
        let info = match info.as_array() {
            None => Some(info),
            Some(all) => {
                let is_it = |info: &&Value| {
                    info["config_name"].as_str().unwrap_or("default") == config.unwrap_or("default")
                };
                all.iter().find(is_it)
            }
        };
        let features = info.and_then(|info| info["features"].as_array()).into_iter().flatten();
        let named = features.filter_map(|feature| {
            let inner = [&feature["dtype"], &feature["sequence"], &feature["list"]];
            let label = inner.into_iter().find(|inner| inner["class_label"].is_object())?;
            let column = feature["name"].as_str()?.to_owned();
            Some((column, names(&label["class_label"]["names"])?))
        });
        Self(named.collect())
    }

    /// A row with the names of its labels; a label of -1 is none.
    pub(super) fn name(&self, row: Fields) -> Result<Fields, String> {
        self.0.iter().try_fold(row, |row, (column, names)| {
            let Some(value) = row.get(column) else { return Ok(row) };
            let named = named(value, names)
                .ok_or_else(|| format!("`{column}` has {value}, a label without a name"))?;
            Ok(row.with(column, named))
        })
    }
}

/// A list of names, or a mapping from numbers, as text, to names.
fn names(given: &Value) -> Option<Vec<String>> {
    if let Some(list) = given.as_array() {
        return list.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    }
    let mapping = given.as_object()?;
    let name = |at: usize| match mapping.get(&at.to_string())? {
        Value::String(name) => Some(name.clone()),
        other => Some(other.to_string()),
    };
    (0..mapping.len()).map(name).collect()
}

fn named(value: &Value, names: &[String]) -> Option<Value> {
    match value {
        Value::Array(labels) => {
            labels.iter().map(|label| named(label, names)).collect::<Option<_>>().map(Value::Array)
        }
        Value::Number(label) if label.as_i64() == Some(-1) => Some(Value::Null),
        Value::Number(label) => {
            let at = usize::try_from(label.as_u64()?).ok()?;
            Some(names.get(at)?.as_str().into())
        }
        other => Some(other.clone()),
    }
}
