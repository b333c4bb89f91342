//! What the parser of `MySQL`'s and `PostgreSQL`'s SQL is known to lack: a text with it may be valid though
//! the parser refuses it.

use std::sync::LazyLock;

use regex::Regex;

const MYSQL: &str = r"(?ix)
    (?: ^ | ; ) \s* (?: optimize | repair | check | checksum | cache | handler | do | help | xa | signal
        | resignal | prepare | load | purge | reset | restart | shutdown | change | stop | install
        | uninstall | binlog | clone | import | table ) \b
    | \b with \s+ rollup \b | \b lock \s+ in \s+ share \s+ mode \b | \b sounds \s+ like \b
    | \b (?: div | mod ) \s | \b json_table \s* \( | \b (?: fulltext | spatial ) \s+ (?: index | key ) \b
    | \b partition \s+ by \s+ (?: linear \s+ )? (?: hash | key | range | list ) \b
    | ' \s* @ \s* ' | \b extract \s* \( \s* \w+_\w+ \s+ from \b | \b update \s+ [\w`.]+ \s* , | \b binary \s ";

const POSTGRES: &str = r"(?ix)
    (?: ^ | ; ) \s* (?: refresh | do | reindex | cluster | table | security | checkpoint | reassign
        | import | move | vacuum | create \s+ (?: unlogged | rule | (?: or \s+ replace \s+ )? rule )
        | alter \s+ system ) \b
    | \b rows \s+ from \s* \( | \b overriding \s+ (?: system | user ) \b
    | \b search \s+ (?: depth | breadth ) \s+ first \b | \b exclude \s+ (?: using | \( ) | \b with \s+ no \s+ data \b
    | \b for \s+ (?: no \s+ )? key \s+ (?: update | share ) \b | \) \s* \. \s* \* | \b is \s+ (?: not \s+ )? json \b
    | \b between \s+ a? symmetric \b | [\w)] \s+ (?: isnull | notnull ) \b
    | \b order \s+ by \s [^;]* \b using \s* [<>=~]
    | \b on \s+ conflict \s* \( [^()]* \) \s* where \b";

/// What of a text is known to be missing, where something is.
pub(super) fn of_mysql(text: &str) -> Option<String> {
    static GAPS: LazyLock<Regex> = LazyLock::new(|| Regex::new(MYSQL).expect("a valid pattern"));
    found(&GAPS, text)
}

/// The same for `PostgreSQL`.
pub(super) fn of_postgres(text: &str) -> Option<String> {
    static GAPS: LazyLock<Regex> = LazyLock::new(|| Regex::new(POSTGRES).expect("a valid pattern"));
    found(&GAPS, text)
}

fn found(gaps: &Regex, text: &str) -> Option<String> {
    let gap = gaps.find(text)?.as_str().trim_matches([';', ' ', '\n', '\t', '\r']);
    Some(gap.chars().take(60).collect::<String>().to_uppercase())
}
