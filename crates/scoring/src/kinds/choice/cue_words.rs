//! What is said of a letter: that it is the answer, that it is right, wrong, or not meant. In English,
//! in the languages without blanks, and a few words of others.

use std::sync::LazyLock;

use regex::Regex;

use super::hits::Hit;
use crate::final_mark::{Leads, fast_pattern};

/// How far around a letter something may be said of it, in bytes.
const NEAR: usize = 96;

/// Brackets, quotes and asterisks that may close after a letter.
const CLOSING: &str = r#"[)\]}*_`$"'”’>）】」』〉》］]*"#;

/// What may open before a letter.
const OPENING: &str = r#"[\s*_"'“‘(\[{$`<（【「『〈《［]*"#;

/// Places after which an option is declared: `the answer is`, `I choose`, `选`.
pub(super) fn declarations(text: &str) -> impl Iterator<Item = usize> {
    static LEADS: LazyLock<Leads> = LazyLock::new(|| {
        let verb = r"(?:is|was|are|would be|should be|must be|will be|[:=：→]|->)";
        let act = "(?:i['’]d|i would) say|leaves|leaving|choose|chose|pick|picked|select|selected|go with|going with|chọn|elijo|escolho";
        let noun = format!(
            r"(?:choice|option|letter)[\s*_]*{verb}|(?:correct|selection|pick)[\s*_]*[:：]"
        );
        let contrast = r"\bnot\s+\S{1,6}\s*,?\s*but(?:\s+rather)?\b|而是|ではなく、?|じゃなく、?|[가이]\s?아니라|\bsondern\b";
        let glued = "(?:选项|選項|選択肢|选择|選擇)[\\s*_]*(?:是|为|為|は|が|[:：】])|सही विकल्प|सही ऑप्शन|گزینه(?:[ٔی]|‌ی)?\\s+(?:صحیح|درست)|故选|应选|應選|选择|選擇|选|選|เลือก|선택";
        let filler = r#"[\s*_"'“‘(\[{$`:=：（<>【「『〈《［、]|\\(?:text|textbf|mathrm|mathbf|boxed)\b|\b(?:option|choice|letter|answer|probably|most likely|likely|clearly|therefore|thus|definitely|certainly|surely|obviously|indeed|actually|simply|for sure|still|the)\b|选项|選項|選択肢|应该是|应是|보기|ข้อ|第|विकल्प|گزینه"#;
        let more = format!(r"\b(?:{noun})|\b(?:{act})\b|{contrast}|{glued}|");
        Leads::new(&more, &format!("(?:{filler})*"))
    });
    LEADS.find_iter(text).filter_map(|lead| {
        let refused =
            ["不", "没", "沒", "别", "別", "未", "勿", "不能", "不应", "不应该", "不该", "不要"];
        let is_chosen = lead.as_str().starts_with(['选', '選', '应', '應']);
        let head = &text[..lead.start()];
        (!(is_chosen && refused.iter().any(|word| head.ends_with(word)))).then_some(lead.end())
    })
}

/// Places after which an option is the conclusion, if the sentence ends with it: `So it is`, `所以`.
pub(super) fn conclusions(text: &str) -> impl Iterator<Item = usize> {
    static LEADS: LazyLock<Regex> = LazyLock::new(|| {
        let words = r"\b(?:so|therefore|thus|hence|conclusion|overall|i\s+(?:think|believe|guess)|it(?:['’]s|\s+is|\s+must\s+be)|must\s+be)\b";
        let glued = "所以|因此|故|综上(?:所述)?|따라서|그러므로|よって|したがって|ดังนั้น";
        let filler = r#"[\s*_"'“‘(\[{$`:：（<【「『,，、]|\b(?:it(?:['’]s|\s+is)|i\s+(?:think|believe|choose|say)|the|best|correct|right|answer|option|choice|is|must\s+be|probably|clearly|most\s+likely)\b"#;
        fast_pattern(&format!("(?i)(?:{words}|{glued})(?:{filler})*"))
    });
    LEADS.find_iter(text).map(|lead| lead.end())
}

/// Whether nothing follows in the sentence.
pub(super) fn is_end(after: &str) -> bool {
    static END: LazyLock<Regex> = LazyLock::new(|| {
        let copula = "です|だ|である|입니다|이다|이에요|ครับ|ค่ะ";
        fast_pattern(&format!(r"^{CLOSING}[ \t]*(?:{copula})?[ \t]*(?:$|[.!?\n:：。！？;；*])"))
    });
    END.is_match(head(after))
}

/// `B is correct`, `(B) is the right answer`, `B是正确的`.
pub(super) fn is_called_right(after: &str) -> bool {
    static RIGHT: LazyLock<Regex> = LazyLock::new(|| {
        let english = r"\s+(?:is\s+the\s+only\s+(?:one|option|choice)|(?:fits|works|matches|suits)\s+best)\b|\s+(?:is|would be|seems|must be)\s+(?:the\s+|clearly\s+)?(?:most\s+)?(?:correct|right|best|true|answer|accurate)\b";
        let marked = r"\s*(?:[:：.)–—-]+|[(（])\s*[*_]*(?:correct|right|true|yes)\b|\s*[:：.)(（–—-]*\s*[✓✔✅]";
        let others = r"\s+(?:est|ist|es|é|è|está|—|-)\s+(?:la\s+|le\s+|die\s+|a\s+|o\s+)?(?:bonne\b|correcte?\b|juste\b|vrai\b|richtig|korrekt|correct[ao]|corret[ao]|corrett[ao]|giust[ao]|respuesta|resposta|risposta|réponse|правильн|верн)";
        let chinese = "(?:选项|選項|项|項)?(?:是|为|為|就是|才是)?最?(?:正确|正確|对的|對的|合适|恰当|符合)|(?:选项|選項|项|項)?(?:是|为|為)答案";
        let japanese = "(?:が|は)(?:最も|一番)?(?:正解|正しい(?:です)?(?:$|[^くと])|正答|適切|答え)|を選(?:び|択)";
        let korean =
            r"(?:번)?\s?[가이]\s?(?:정답(?:입|이다|이며|이에)|맞(?:습|다|는)|옳(?:습|다)|올바)";
        let thai = r"\s?(?:ถูกต้อง|เป็นคำตอบ)";
        let all = [english, marked, others, chinese, japanese, korean, thai].join("|");
        fast_pattern(&format!("(?i)^{CLOSING}(?:{all})"))
    });
    RIGHT.is_match(head(after))
}

/// `A is wrong`, `A and C are incorrect`, `A错误`.
pub(super) fn is_called_wrong(after: &str) -> bool {
    static WRONG: LazyLock<Regex> = LazyLock::new(|| {
        let name = r#"(?:option\s+)?[(\["'*]*[A-Za-z0-9]\b[)\]"'*]*"#;
        let and = r"\s*,?\s*(?:and|or|nor|&|/|、|和|与|及)\s*";
        let more = format!(
            r"(?:(?:\s*[,，]\s*{name})*(?:{and}{name})+|(?:\s*[,，]\s*{name})+(?:\s+are|\s*[均都]))?"
        );
        let verb = r"(?:\s*[,:：.)–—-]?\s+(?:(?:is|are|was|were|seems?|would\s+be|both|all|also|clearly|obviously|definitely|simply|therefore)\s+)*|\s*[:：.)(（]\s*)[*_]*";
        let wrong = r"(?:no(?:\s*$|\s*[.,;\n])|wrong|incorrect|false|inaccurate|eliminated|ruled\s+out|excluded|invalid|a\s+distractor|distractors|(?:is|are|was|were)?n['’]t\s+(?:correct|right|true|the|it)|not\s+(?:correct|right|true|the|it\b|valid|accurate|possible|supported)|falsch|faux|fausse|неверн|неправильн)";
        let others = r"\s+(?:est|sont|ist|sind|es|son|é|são|è|sono)\s+(?:faux|fausse|incorrect|falsch|fals[ao]|errad[ao]|sbagliat[ao])";
        let chinese = "(?:选项|選項|项|項)?(?:都|均|也|就)?(?:是|为)?(?:都|也)?(?:不正确|不正確|不对|不對|错|錯|不符合|不是正确|不合适|排除|可排除|[✗✘❌])";
        let japanese = "(?:は|が|も)?(?:間違|誤り|不正解|違い|違う|正しくな|不適切|ではな|ではあり|じゃな|でな)";
        let korean = r"\s?(?:는|은|가|이|도)?\s?(?:틀|오답|아니|아닌|잘못)";
        let thai = r"\s?(?:ผิด|ไม่ถูก)";
        let cross = r"\s*[:：.)(（–—-]*\s*[✗✘❌]";
        fast_pattern(&format!(
            "(?i)^{CLOSING}(?:{more}(?:{verb}{wrong}|{chinese}|{japanese}|{korean}|{thai})|{others}|{cross})"
        ))
    });
    WRONG.is_match(head(after))
}

/// `not B`, `instead of B`, `而不是 B`.
pub(super) fn is_denied(before: &str) -> bool {
    static DENIAL: LazyLock<Regex> = LazyLock::new(|| {
        let words = "not|no|never|neither|nor|non|nicht|kein|pas|niet|inte|ikke|nie|bukan|without|except|excluding|unlike|than|instead of|rule[sd]? out|ruling out|eliminat(?:e|es|ed|ing)|reject(?:s|ed|ing)?|exclud(?:e|es|ed)|statt|anstatt";
        let between = r"(?:\s+(?:be|to be|option|options|choice|choices|answer|either|the|with|choose|pick|select)\b)*";
        let chinese = "(?:不是|不会是|不可能是|而非|并非|並非|不选|不選|不能选|不应选|不应该选|不该选|没选|不为|排除|除了|别选|不要选)(?:选项|選項|答案)?";
        let thai = "ไม่ใช่(?:ข้อ)?";
        fast_pattern(&format!(
            r"(?i)(?:(?:\b(?:{words})|n['’]t){between}|(?:^|\s)(?:не|não|plutôt que)\s|{chinese}|{thai}){OPENING}$"
        ))
    });
    let near = &before[before.ceil_char_boundary(before.len().saturating_sub(NEAR / 2))..];
    DENIAL.is_match(near)
}

/// Whether what stands between two letters makes one list of them: `A or B`.
pub(super) fn joins_list(between: &str) -> bool {
    static OR: LazyLock<Regex> = LazyLock::new(|| {
        let or = "and|or|nor|&|/|、|和|与|或|oder|und|ou|et|y|o|または|또는";
        fast_pattern(&format!(r"(?i)^{CLOSING}\s*,?\s*(?:{or})\s*(?:option\s+)?{OPENING}$"))
    });
    between.len() <= NEAR / 2 && OR.is_match(between)
}

/// Whether another option is said in the same breath: `A or B`, `A, B`.
pub(super) fn goes_on(answer: &str, hit: &Hit, hits: &[Hit]) -> bool {
    static AND: LazyLock<Regex> = LazyLock::new(|| {
        let and = r"\b(?:and|or|oder|und|ou|et)\b";
        let glued = "、|或者?|和|与|및|또는|または|と";
        fast_pattern(&format!(
            r#"(?i)^{CLOSING}\s*(?:[,，]\s*{and}|[,，]|/|&|{and}|{glued})\s*(?:either\s+|both\s+)?["'“(\[{{$`*_（【「]*"#
        ))
    });
    let Some(and) = AND.find(head(&answer[hit.end..])) else { return false };
    let at = hit.end + and.end();
    let next = hits.binary_search_by_key(&at, |hit| hit.start).ok().map(|i| hits[i]);
    next.is_some_and(|next| {
        let says_more = answer[next.end..].trim_start().starts_with(char::is_alphabetic);
        let list = !and.as_str().trim_end().ends_with([',', '，']) || !says_more;
        (next.as_named || next.marked) && next.option != hit.option && list
    })
}

/// The beginning of a text.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(NEAR)]
}
