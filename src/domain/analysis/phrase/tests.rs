//! What is a request in so many words, and what only looks like one.

use super::asks_for_human;

#[test]
fn explicit_requests_are_recognized() {
    for text in [
        "agent",
        "representitive",
        "Get me a human NOW",
        "i want to talk to a real person",
        "AGENT PLEASE",
        "rep pls",
        "can I speak with someone",
        "let me talk to your manager",
        "please call me back",
        "a g e n t",
        "connect me to a\u{200b} human",
        "I don't want to talk to a bot",
        "stop. I need a live agent to help me",
        "not a bot, a human please",
        "transfer me to billing department",
        "I want a human!!!",
        "tlak to agent",
        "is there a real person I can talk to?",
        "hummaaan",
        "agenttttt",
        "Please escalate this",
        "why can't i talk to a human",
        "can a manager call me?",
        "customer service representative",
        "speak to customer service",
        "I'd like to speak to someone please",
    ] {
        assert!(asks_for_human(text).is_some(), "{text}");
    }
}

#[test]
fn mentions_of_persons_are_no_requests() {
    for text in [
        "are you human?",
        "are you a real person",
        "your agent was rude",
        "i don't need an agent",
        "my travel agent booked it",
        "I tried to talk to an agent yesterday",
        "what is the agent number",
        "I do not want to speak to a person",
        "am I talking to a human",
        "what is your call centre's number?",
        "I spoke to a representative last week",
        "do I have to talk to an agent to cancel?",
        "where is my order",
        "the estate agent said no",
        "I am not a robot",
        "",
    ] {
        assert_eq!(asks_for_human(text), None, "{text}");
    }
}

#[test]
fn requests_are_recognized_in_the_most_used_languages() {
    for (language, texts) in [
        (
            "es",
            [
                "Quiero hablar con una persona",
                "necesito un agente por favor",
                "¿Me pueden llamar?",
                "no quiero hablar con un robot",
                "Pásame con un supervisor",
            ],
        ),
        (
            "de",
            [
                "Ich möchte mit einem Menschen sprechen",
                "Mitarbeiter bitte!",
                "Bitte rufen Sie mich zurück",
                "Verbinden Sie mich mit einem Berater",
                "kann ich mit jemandem reden?",
            ],
        ),
        (
            "fr",
            [
                "Je veux parler à un humain",
                "passez-moi un conseiller",
                "Pouvez-vous me rappeler ?",
                "j'ai besoin de parler à quelqu'un",
                "un agent svp",
            ],
        ),
        (
            "pt",
            [
                "Quero falar com um atendente",
                "me passa para um humano",
                "atendente por favor",
                "não quero falar com robô",
                "podem me ligar?",
            ],
        ),
        (
            "it",
            [
                "Vorrei parlare con un operatore",
                "operatore",
                "passami un operatore umano",
                "potete richiamarmi?",
                "ho bisogno di una persona",
            ],
        ),
        (
            "nl",
            [
                "Ik wil met een medewerker praten",
                "kan ik iemand spreken?",
                "verbind me door met een mens",
                "bel mij terug aub",
                "medewerker graag",
            ],
        ),
        (
            "pl",
            [
                "Chcę porozmawiać z konsultantem",
                "połącz mnie z człowiekiem",
                "konsultant",
                "proszę o telefon",
                "nie chcę rozmawiać z botem",
            ],
        ),
        (
            "ru",
            [
                "Хочу поговорить с человеком",
                "оператор",
                "соедините меня с оператором",
                "перезвоните мне пожалуйста",
                "Позовите живого человека",
            ],
        ),
        (
            "tr",
            [
                "Bir insanla konuşmak istiyorum",
                "müşteri temsilcisine bağlayın",
                "temsilci lütfen",
                "beni arayın",
                "canlı destek istiyorum",
            ],
        ),
        (
            "fa",
            [
                "می‌خواهم با یک انسان صحبت کنم",
                "به اپراتور وصل کنید",
                "اپراتور لطفا",
                "لطفا با من تماس بگیرید",
                "با کارشناس حرف بزنم",
            ],
        ),
        (
            "ar",
            [
                "أريد التحدث مع موظف",
                "أريد أن أتحدث إلى شخص حقيقي",
                "حولني إلى خدمة العملاء",
                "اتصلوا بي من فضلك",
                "موظف من فضلك",
            ],
        ),
        (
            "ja",
            [
                "人間と話したいです",
                "オペレーターに繋いでください",
                "担当者をお願いします",
                "オペレーター",
                "折り返し電話をください",
            ],
        ),
        ("zh", ["转人工", "我要人工客服", "我想和真人说话", "請幫我轉接客服人員", "给我回个电话"]),
        (
            "id",
            [
                "Saya mau bicara dengan manusia",
                "hubungkan saya ke operator",
                "agen dong",
                "minta cs",
                "tolong hubungi saya kembali",
            ],
        ),
    ] {
        for text in texts {
            let found = asks_for_human(text);
            assert_eq!(found.as_ref().map(|found| found.language), Some(language), "{text}: {found:?}");
        }
    }
}

#[test]
fn mentions_in_other_languages_are_no_requests() {
    for text in [
        "¿eres humano?",
        "No necesito un agente",
        "no quiero hablar con un agente",
        "ich will nicht mit einem Mitarbeiter reden",
        "não quero falar com atendente",
        "je ne veux pas parler à un conseiller",
        "не хочу говорить с оператором",
        "ik wil niet met een medewerker praten",
        "¿Estoy hablando con una persona?",
        "Ich habe gestern mit einem Mitarbeiter gesprochen",
        "Sind Sie ein Mensch?",
        "Ich brauche keinen Mitarbeiter",
        "Êtes-vous un humain ?",
        "je n'ai pas besoin d'un agent",
        "Você é um robô?",
        "não preciso de atendente",
        "sei umano?",
        "non voglio parlare con un operatore",
        "ben je een mens?",
        "ты человек?",
        "мне не нужен оператор",
        "оператор вчера был груб",
        "Sen insan mısın?",
        "müşteri temsilcisi istemiyorum",
        "人間ですか？",
        "あなたは人間ですか",
        "オペレーターは必要ないです",
        "你是真人吗",
        "不用转人工",
        "人工智能是什么",
        "kamu manusia?",
        "where is my order",
        "wo ist mein Paket",
        "dónde está mi pedido",
        "где мой заказ",
        "我的订单在哪里",
    ] {
        assert_eq!(asks_for_human(text), None, "{text}");
    }
}

/// However a text is made, the check is over at once: it runs before anything else.
#[test]
fn no_text_takes_long() {
    for word in ["please ", "talk to a ", "human ", "not ", "人工", "a ", "\"x", "connect me to the the "] {
        let text = word.repeat(16 * 1024 / word.len());
        let _ = asks_for_human(&text);
    }
    let buried = format!(
        "{} can i talk to a human {}",
        "and then it went on and on ".repeat(40),
        "because of that ".repeat(40)
    );
    assert!(asks_for_human(&buried).is_some());
}
