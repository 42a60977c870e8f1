//! Turkish, Persian and Arabic requests for a person.

use super::matcher::Source;

pub const SOURCES: &[Source] = &[TURKISH, PERSIAN, ARABIC];

const TURKISH: Source = Source {
    code: "tr",
    lists: &[
        (
            "person",
            "insan insanla insana insanı insanlarla temsilci temsilciyle temsilciye temsilcisi temsilcisiyle temsilcisine temsilcinizle temsilcinize yetkili yetkiliyle yetkiliye yetkilisi yetkilisiyle operatör operatöre operatörle kişi kişiyle kişiye canlı_destek canlı_desteğe canlı_destekle biri biriyle birine birisi birisiyle birisine müdür müdürle müdüre müdürünüzle çalışan çalışanla danışman danışmana danışmanla görevli görevliyle görevliye",
        ),
        ("which", "bir müşteri gerçek canlı başka herhangi lütfen hizmetleri"),
        ("please", "lütfen hemen acil şimdi merhaba selam teşekkürler gerçek bir canlı istiyorum"),
        ("bot", "bot botla robot robotla makine makineyle bilgisayar yapay_zeka yapay_zekayla chatbot"),
        (
            "speak",
            "görüşmek görüşebilir görüşeyim görüşelim görüştürün görüştür görüşmem konuşmak konuşabilir konuşayım konuşalım konuşmam konuşturun bağla bağlan bağlanmak bağlar bağlayın bağlayınız bağlanabilir aktar aktarın aktarır yazışmak ulaşmak ulaşabilir iletişim verin çağırın",
        ),
    ],
    requests: &[
        "@person ile? ..2 @speak",
        "@which* @person istiyorum|isterim|istiyom|lazım|gerek|gerekiyor|talep",
        "@speak ..1 istiyorum ..1 @person",
        "beni|bizi ..1 arayın|arayınız|ara|arar|arayabilir|arasın|arasınlar",
        "geri ara|arayın|arama|arayabilir|aranmak",
        "aranmak istiyorum",
        "botla|robotla|makineyle|yapay_zekayla konuşmak|görüşmek istemiyorum",
        "bot|robot istemiyorum",
        "^^ @please* @which* temsilci|müşteri_temsilcisi|insan|operatör|yetkili|canlı_destek|gerçek_insan|gerçek_kişi @please* $",
    ],
    negators: "",
    not_negating: &[],
    fresh_start: "",
    not_after: &["sen|siz ..1", "benim"],
    not_before: &["..1 istemiyorum|istemem|gerekmiyor|gerek_yok|değil|mi|mı|misin|misiniz|muyum|miyim|mıyım"],
    prefixes: &[],
};

const PERSIAN: Source = Source {
    code: "fa",
    lists: &[
        (
            "person",
            "انسان انسانی اپراتور اپراتوری کارشناس کارشناسی پشتیبان پشتیبانی مسئول مسئولی مدیر مدیری نماینده نمایندهای آدم آدمی شخص شخصی نفر کارمند سرپرست",
        ),
        ("anybody", "کسی یکی یک_نفر یه_نفر"),
        ("which", "یک یه واقعی زنده با به از همکاران تان شما این ی"),
        ("please", "لطفا لطفاً خواهش سلام فوری الان همین سریع ممنون یک یه واقعی"),
        ("bot", "ربات رباتی بات ماشین کامپیوتر هوش_مصنوعی"),
        ("speak", "صحبت حرف گفتگو تماس چت ارتباط بزنم مکالمه گفتوگو"),
    ],
    requests: &[
        "با @which* @person|@anybody ..3 @speak",
        "@speak ..2 با @which* @person|@anybody",
        "به @which* @person|@anybody ..2 وصل|متصل|انتقال|منتقل",
        "وصل|متصل ..2 به @which* @person|@anybody",
        "@which* @person میخواهم|میخوام|لازم|نیاز|می_خواهم|می_خوام",
        "با_من|باهام|بهم|با_بنده ..1 تماس|زنگ",
        "تماس بگیرید|بگیرین با_من|باهام|لطفا",
        "زنگ بزنید|بزنین",
        "نمیخواهم|نمیخوام با ربات|بات|ماشین ..1 صحبت|حرف",
        "^^ @please* @which* اپراتور|انسان|کارشناس|پشتیبان|پشتیبانی|آدم_واقعی|نماینده @please* $",
    ],
    negators: "بدون نه",
    not_negating: &[],
    fresh_start: "لطفا",
    not_after: &["آیا ..1", "شما"],
    not_before: &["..2 نمیخواهم|نمیخوام|نمی_خواهم|ندارم|نیست|نیازی_نیست|هستید|هستی|کردم|زدم"],
    prefixes: &[],
};

const ARABIC: Source = Source {
    code: "ar",
    lists: &[
        (
            "person",
            "انسان إنسان شخص موظف موظفة ممثل وكيل بشري بشر مسؤول مسئول مدير مدیر مشرف مندوب خدمة_العملاء موظفين شخصا موظفا مختص الدعم",
        ),
        ("anybody", "احد أحد حد واحد الدعم"),
        ("which", "مع الى إلى ل ب أي اي حقيقي حقيقية خدمة العملاء الدعم في من أحد احد موظفي"),
        ("please", "من_فضلك لو_سمحت رجاء رجاءً الآن الان فورا مرحبا السلام_عليكم شكرا اريد أريد حقيقي"),
        ("bot", "روبوت بوت آلة الآلة الروبوت البوت"),
        (
            "speak",
            "التحدث اتحدث أتحدث نتحدث التكلم اتكلم أتكلم أكلم اكلم الكلام التواصل أتواصل اتواصل تحدث احكي أحكي الحديث تحويلي تحويل حولني حولوني وصلني وصلوني اكلم محادثة الاتصال",
        ),
    ],
    requests: &[
        "@speak مع|الى|إلى|ل|ب|على* @which* @person|@anybody",
        "أريد|اريد|عايز|عاوز|ابغى|أبغى|ابي|أبي|بدي|احتاج|أحتاج|محتاج|أفضل|أعطني|اعطني|اعطوني الى|إلى* @which* @person $",
        "أريد|اريد|عايز|عاوز|ابغى|أبغى|ابي|أبي|بدي|احتاج|أحتاج|محتاج الى|إلى* @which* @person الآن|الان|حقيقي|من_فضلك|لمساعدتي|يساعدني|وليس|لا",
        "اتصل|اتصلوا|كلمني|كلموني|اتصال بي|بنا|علي|معي|@please",
        "كلموني|اتصلوا_بي|اتصل_بي",
        "هل_يوجد|في|فيه|هناك @which* @person|احد|أحد هنا|حقيقي|يساعدني|متاح|يمكنني",
        "لا|مش|ما أريد|اريد|عايز|ابغى|أبغى ..1 @speak|اتكلم? مع @bot",
        "^^ @please* @which* موظف|إنسان|شخص_حقيقي|خدمة_العملاء|ممثل|مشرف|مدير|بشري|موظف_حقيقي @please* $",
    ],
    negators: "لا مش ليس بدون لم لن ما",
    not_negating: &["لا أستطيع|استطيع|يمكنني|تفهم|تفهمني", "لماذا|ليش|ليه لا|ما", "لا|ليس مع? @bot"],
    fresh_start: "لكن و",
    not_after: &["هل ..1", "أنت|انت ..1", "أنا|انا"],
    not_before: &["أمس|امس"],
    prefixes: &["ال", "لل", "ل", "ب", "بال", "و"],
};
