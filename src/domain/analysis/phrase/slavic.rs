//! Russian and Polish requests for a person.

use super::matcher::Source;

pub const SOURCES: &[Source] = &[RUSSIAN, POLISH];

const RUSSIAN: Source = Source {
    code: "ru",
    lists: &[
        (
            "person",
            "человек человека человеку человеком люди людьми людей оператор оператора оператору оператором операторы операторов сотрудник сотрудника сотруднику сотрудником менеджер менеджера менеджеру менеджером специалист специалиста специалисту специалистом консультант консультанта консультанту консультантом агент агента агентом представитель представителя представителю представителем руководитель руководителя руководителем руководством начальник начальника начальником администратор администратора администратором супервайзер супервайзера старшего старшим",
        ),
        (
            "anybody",
            "кем_то кем_нибудь кого_нибудь кого_то поддержкой поддержку поддержке техподдержкой техподдержку кто_нибудь",
        ),
        (
            "which",
            "живой живого живому живым живыми реальный реального реальным реальными настоящий настоящего настоящим другой другого другим вашим ваш вашего любой любым любого каким_нибудь каким_то какого_нибудь ваших одним нормальным нормального со с",
        ),
        (
            "please",
            "пожалуйста плиз пж срочно сейчас немедленно быстро здравствуйте привет добрый день мне меня нужен хочу дайте позовите живой живого реальный уже",
        ),
        (
            "bot",
            "бот бота ботом боты ботами робот робота роботом роботами машина машиной компьютером автоответчик автоответчиком ии чатбот",
        ),
        (
            "speak",
            "поговорить говорить пообщаться связаться общаться переговорить разговаривать поболтать связь соединение побеседовать поговорю чат",
        ),
    ],
    requests: &[
        "@speak ..1 с|со @which* @person|@anybody",
        "с|со @which* @person|@anybody ..1 @speak",
        "свяжите|свяжи|соедините|соедини|переключите|переключи|переведите|переведи|подключите|подключи|перевести|соединить|переключить меня|нас|пожалуйста|мой_чат|разговор* с|со|на|к @which* @person|@anybody",
        "позовите|позови|дайте|дай|пригласите|подключите|подключи|вызовите мне|сюда|пожалуйста|к_чату|уже* @which* @person|кого_нибудь",
        "нужен|нужна|нужны|требую|требуется|хочу|нужно|надо мне|срочно|поговорить_с* @which* @person",
        "@which* @person нужен|мне_нужен",
        "перезвоните|перезвони|позвоните|позвони|наберите мне|нам|меня|пожалуйста|@please",
        "перезвоните|позвоните|перезвоните_мне @please* $",
        "чтобы|пусть мне|нам ..2 перезвонил|перезвонили|позвонил|позвонили|позвонит|перезвонит",
        "закажите|заказать|нужен|хочу обратный? звонок",
        "можно|могу|можете мне|я|с* ..1 @person $",
        "есть кто|кто_нибудь|кто_то|хоть_кто_нибудь|@which* @person живой|из_людей|здесь|тут|на_связи",
        "не хочу|буду|желаю|собираюсь ..1 говорить|общаться|разговаривать|переписываться? с|со @bot",
        "не с @bot",
        "^^ @please* @which* оператор|оператора|человек|человека|живой_человек|живого_человека|агент|сотрудник|менеджер|специалист|консультант|поддержка|техподдержка|администратор @please* $",
    ],
    negators: "не без нет нельзя",
    not_negating: &[
        "не могу|можете|можно|получается|удается|понимаете|понимаешь|надо|нужно|помогает",
        "не с @bot",
        "почему не",
    ],
    fresh_start: "но а и дайте",
    not_after: &[
        "мой|моя|моего|моим|ваш_был",
        "ты|вы|это ..1",
        "я_уже|уже|вчера ..2",
        "если|когда ..2",
        "не",
    ],
    not_before: &["вчера|грубил|хамил|сказал|обещал|был"],
    prefixes: &[],
};

const POLISH: Source = Source {
    code: "pl",
    lists: &[
        (
            "person",
            "człowiek człowieka człowiekiem człowiekowi ludźmi konsultant konsultanta konsultantem konsultantowi konsultantką agent agenta agentem pracownik pracownika pracownikiem pracownikowi osoba osoby osobą osobę operator operatora operatorem doradca doradcy doradcą doradcę przedstawiciel przedstawiciela przedstawicielem kierownik kierownika kierownikiem przełożony przełożonego przełożonym menedżer menedżera menedżerem menadżer menadżerem obsługą_klienta obsługi_klienta biurem_obsługi specjalistą specjalisty",
        ),
        ("anybody", "kimś kimkolwiek kogoś ktoś ktokolwiek"),
        (
            "which",
            "żywym żywego żywą prawdziwym prawdziwego prawdziwą prawdziwy realną innym jakimś jakiegoś z ze waszym z_państwa żywy",
        ),
        (
            "please",
            "proszę prosze pilnie teraz natychmiast zaraz dzień dobry cześć dziękuję chcę potrzebuję poproszę z prawdziwym żywy",
        ),
        (
            "bot",
            "bot bota botem boty botami robot robotem robota maszyną maszyna komputerem ai chatbotem automatem",
        ),
        (
            "speak",
            "rozmawiać porozmawiać pogadać mówić pomówić rozmowa rozmowę rozmowy skontaktować kontakt połączyć połączenie połączenia czatować",
        ),
    ],
    requests: &[
        "@speak ..1 z|ze|do @which* @person|@anybody",
        "z|ze @which* @person|@anybody ..1 @speak",
        "połącz|połączcie|połączyć|przełącz|przełączcie|przełączyć|przekieruj|przekierujcie|przełączenie mnie|nas|proszę|mi|się* z|ze|do|na @which* @person|@anybody",
        "daj|dajcie|dawaj|poproszę|zawołaj|zawołajcie mi|mnie|tu|do|o|z|rozmowę_z* @which* @person|kogoś",
        "chcę|chce|potrzebuję|potrzebuje|wolę|żądam|chciałbym|chciałabym teraz|rozmawiać|rozmowy|z* @which* @person",
        "zadzwoń|zadzwońcie|oddzwoń|oddzwońcie|oddzwonić do_mnie|mi|proszę|na|@please",
        "proszę o ..1 telefon|oddzwonienie|rozmowę|kontakt_telefoniczny",
        "czy ktoś może ..1 zadzwonić|oddzwonić|pomóc",
        "czy|jest jest? tam|tu? ktoś|@which* @person żywy|z_kim|dostępny",
        "nie chcę|chce|będę ..1 rozmawiać|pisać|gadać? z|ze @bot",
        "^^ @please* @which* konsultant|konsultanta|człowiek|człowieka|agent|operator|pracownik|doradca|kierownik|prawdziwy_człowiek|żywy_człowiek|z_konsultantem @please* $",
    ],
    negators: "nie bez nigdy ani",
    not_negating: &["nie mogę|da_się|można|rozumiesz|pomaga|działa", "dlaczego nie", "nie z @bot"],
    fresh_start: "ale i proszę",
    not_after: &[
        "mój|moja|mojego|moim|wasz",
        "jesteś|jest|czy|to ..1",
        "już|wczoraj ..2",
        "jeśli|kiedy|gdy ..2",
        "nie",
    ],
    not_before: &["wczoraj|był|powiedział|obiecał"],
    prefixes: &[],
};
