//! Whether a text is in a language the model speaks.
//!
//! Identification fails on short texts, so only two things count: a script the
//! model does not know, or six words or more that are clearly another language.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Fewer words than this are never judged by their language.
const LEAST_WORDS: usize = 6;
/// From this share of another language's little words on it is that language,
const FOREIGN_SHARE: f64 = 0.30;
/// unless this share of them is English.
const ENGLISH_SHARE: f64 = 0.15;

/// Little words of languages in Latin script. Those that are also English words
/// stand only in the English list.
const LITTLE_WORDS: &[(&str, &str)] = &[
    (
        "es",
        "el la los las un una unos de del que y es son en por para con no se su sus mi mis me te lo le les al como pero más este esta esto ese esa muy ya hay tengo quiero cuando donde porque todo nada sin sobre hola gracias favor he ha está estoy puedo hace pedido",
    ),
    (
        "de",
        "der die das den dem des ein eine einen einem einer und ist sind nicht ich sie er es wir ihr mein meine meinen mir mich mit auf für von zu zum zur bei aus nach wie aber auch oder wenn dass daß schon noch nur kann habe hat haben bitte danke wird wurde seit sehr keine kein warum wo",
    ),
    (
        "fr",
        "le la les un une des de du et est sont je tu il elle nous vous ils mon ma mes me ne pas que qui dans pour par avec sur ce cette ces au aux plus mais ou où très bien j'ai c'est n'ai suis avez votre vos merci bonjour depuis toujours rien fait être",
    ),
    (
        "it",
        "il lo la gli le un una di del della dei che e è sono non mi ti si ci con per in da al alla dal nel ma come più questo questa ho ha hai sto grazie ciao quando perché dove anche ancora mio mia vorrei posso",
    ),
    (
        "pt",
        "o os a as um uma de do da dos das que e é são não em no na nos nas por para com se meu minha eu você ele ela mas como mais este esta isso já foi está estou tenho quero obrigado obrigada quando onde porque muito fazer pedido ainda",
    ),
    (
        "nl",
        "de het een en is zijn niet ik je jij hij zij we wij mijn me mij met op voor van te naar bij uit maar ook of als dat die dit nog al kan heb heeft hebben graag dank wordt werd sinds zeer geen waarom waar",
    ),
    (
        "pl",
        "i w z na do nie się to jest że jak co ale po od za przez dla mój moja moje mnie mi ja ty on ona my wy czy już tylko proszę dziękuję dlaczego gdzie kiedy był była mam",
    ),
    (
        "tr",
        "bir ve bu da de için ile çok ne ama ben sen biz siz o mi mı mu var yok değil gibi daha kadar en neden nasıl lütfen teşekkürler benim olarak sonra hala",
    ),
    (
        "id",
        "yang dan di ke dari ini itu untuk dengan tidak ada saya kamu anda aku kami kita bisa sudah belum akan juga atau tapi kenapa bagaimana mohon tolong terima kasih pesanan",
    ),
    (
        "sv",
        "och att det som en ett är inte jag du han hon vi ni på med för av till den har kan om men mitt min när var hur varför tack hej",
    ),
    (
        "ro",
        "și de la în cu nu este sunt un o pe că mai din pentru care am ai are ce dar acest această mulțumesc unde când vreau",
    ),
    ("vi", "là và của không tôi bạn có cho được một các này đã với những để trong khi cũng như thì"),
];
const ENGLISH: &str = "the a an and or but not is are was were be been am i you he she it we they my your his her its our their me him us them this that these those to of in on at for with from by about as if when where why how what who which have has had do does did can could will would should just still very too also there here no yes please thanks need want get got been my it's i'm don't can't";

/// For each little word the languages that have it, a bit each: English, then the others in their order.
static KNOWN_WORDS: LazyLock<FxHashMap<&str, u16>> = LazyLock::new(|| {
    let lists = std::iter::once(ENGLISH).chain(LITTLE_WORDS.iter().map(|(_, list)| *list));
    let mut known = FxHashMap::default();
    for (language, list) in lists.enumerate() {
        list.split(' ').for_each(|word| *known.entry(word).or_default() |= 1 << language);
    }
    known
});

/// A text is not in a language that the model speaks.
pub fn is_foreign(text: &str) -> bool {
    is_in_unknown_script(text) || is_clearly_another_language(text)
}

/// Whether most letters are neither Latin nor look-alikes used for fun.
fn is_in_unknown_script(text: &str) -> bool {
    let (mut latin, mut other) = (0usize, 0usize);
    for symbol in text.chars().take(4_000).filter(|symbol| symbol.is_alphabetic()) {
        let is_latin = symbol.is_ascii_alphabetic()
            || matches!(symbol, '\u{AA}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' | '\u{FF21}'..='\u{FF5A}' | '\u{1D400}'..='\u{1D7FF}' | '\u{2100}'..='\u{214F}');
        *(if is_latin { &mut latin } else { &mut other }) += 1;
    }
    // One Latin word inside, a product's name say, does not make it English.
    other > latin
}

fn is_clearly_another_language(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|symbol: char| !symbol.is_alphabetic() && symbol != '\'')
        .filter(|word| !word.is_empty())
        .take(400)
        .collect();
    if words.len() < LEAST_WORDS {
        return false;
    }
    let mut counts = [0_usize; 1 + LITTLE_WORDS.len()];
    for word in &words {
        let mut languages = KNOWN_WORDS.get(word).copied().unwrap_or(0);
        while languages != 0 {
            counts[languages.trailing_zeros() as usize] += 1;
            languages &= languages - 1;
        }
    }
    let share = |count: usize| count as f64 / words.len() as f64;
    let (english, others) = (counts[0], &counts[1..]);
    share(english) < ENGLISH_SHARE && others.iter().any(|other| share(*other) >= FOREIGN_SHARE)
}

#[cfg(test)]
mod tests {
    use super::is_foreign;

    #[test]
    fn other_scripts_and_clear_other_languages_are_foreign() {
        for text in [
            "где мой заказ",
            "我的订单在哪里",
            "注文はどこですか iPhone",
            "أين طلبي",
            "wo ist denn bitte meine Bestellung, ich warte schon seit zwei Wochen",
            "hola, quiero saber dónde está mi pedido porque no llega",
            "bonjour, je voudrais savoir où est ma commande s'il vous plaît",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }

    #[test]
    fn english_and_short_texts_are_not() {
        for text in [
            "rep pls",
            "no me gusta",
            "where is my order de la cruz",
            "12345",
            "👍👍",
            "???",
            "I ordered the crème brûlée from La Maison de la Rue and it never came",
            "order 5512 arrived broken screen cracked box crushed again",
            "",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }
}
