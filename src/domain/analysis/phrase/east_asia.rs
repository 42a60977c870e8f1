//! Japanese, Chinese and Indonesian/Malay requests for a person.
//!
//! Japanese and Chinese write no spaces: here every letter is a word.

use super::matcher::Source;

pub const SOURCES: &[Source] = &[JAPANESE, CHINESE, INDONESIAN];

const JAPANESE: Source = Source {
    code: "ja",
    lists: &[
        (
            "person",
            "人間 オペレーター オペレータ 担当者 担当の方 担当の人 担当 係の人 係りの人 係員 スタッフ 有人 店員 責任者 上司 サポートの人 本物の人 生身の人 カスタマーサポート カスタマーセンター エージェント 誰か 人",
        ),
        ("particle", "と に へ を が の方 さん は で"),
        (
            "join",
            "話し 話せ 話が 話を 話す 直接 繋い 繋げ つない つなげ つなぎ 繋ぎ 接続 代わって かわって 代わり 代えて 変わって 替わって お願い 頼みます 対応し 出して 呼んで 電話し チャットし チャットに 切り替え きりかえ やり取り 相談し",
        ),
    ],
    requests: &[
        "@person @particle* ..3 @join !て_い|て_る|ま_し_た",
        "電話 を|か? く だ さ い|下_さ_い|か_け_て",
        "折り返し ..2 電話|連絡|お願い|ください|下さい",
        "電話して|電話をして|電話で話 ..1 ください|下さい|欲しい|ほしい|したい|せますか",
        "ボット|ロボット|AI|機械|自動応答 と|で|じゃ|では ..2 なく|ない|嫌|いや|話したくない",
        "^^ 人間|オペレーター|オペレータ|担当者|有人チャット|有人対応|スタッフ|カスタマーサポート $",
    ],
    negators: "",
    not_negating: &[],
    fresh_start: "",
    not_after: &["あなたは ..1", "昨日の|さっきの"],
    not_before: &[
        "..6 必要な_い|いらない|要りません|いりません|不要|結構です|たくない|たくありません",
        "ていま|てます_か|ました",
        "で_す_か|番号",
        "ですか|番号",
    ],
    prefixes: &[],
};

const CHINESE: Source = Source {
    code: "zh",
    lists: &[(
        "person",
        "人工客服 人工服务 人工服務 真人客服 客服人员 客服人員 客服 真人 活人 专员 專員 真正的人 人类 人類 经理 經理 主管 领导 領導 负责人 負責人 工作人员 工作人員 坐席 话务员 店员 代表",
    )],
    requests: &[
        "转|轉|转接|轉接|找|叫|接|换|換|联系|聯繫|聯絡|呼叫|切换|切換|接通|转到|轉到|转给|帮我转|幫我轉|要|需要|想要|请|請|给我|給我 ..3 @person",
        "转|轉|转接|轉接|接|要|找|需要|请转 ..1 人工 !智|智能|智慧",
        "人工 服务|服務|客服|台|坐席|热线",
        "跟|和|与|與|同|找 ..3 @person|人 ..2 说话|說話|聊|谈|談|讲|講|沟通|溝通|对话|對話|通话|通話",
        "^^ ..2 人工 ..2 $",
        "^^ ..1 客服|真人|人工客服|经理 ..2 $",
        "给我|給我 ..2 打 ..2 电话|電話",
        "打 ..1 电话|電話 给我|給我",
        "回 ..2 电话|電話",
        "不 想|要|想要|愿意|願意 ..2 机器人|機器人|机器",
        "别|不要 ..2 机器人|機器人",
    ],
    negators: "",
    not_negating: &[],
    fresh_start: "",
    not_after: &["不 ..1", "不用|不需要|不要|没必要|無需|无需 ..2", "你 ..1 是", "是", "昨天 ..3"],
    not_before: &["智|智能|智慧", "电话是|電話是|电话号码|的态度|态度|熱線|热线是", "吗_$", "嗎_$"],
    prefixes: &[],
};

const INDONESIAN: Source = Source {
    code: "id",
    lists: &[
        (
            "person",
            "manusia agen operator petugas cs customer_service admin staf staff supervisor manajer perwakilan karyawan pegawai atasan agent konsultan",
        ),
        ("anybody", "orang seseorang seorang orang_asli"),
        ("which", "seorang yang asli beneran sungguhan betulan langsung kak dengan nyata hidup sebenar"),
        (
            "please",
            "tolong mohon dong ya sekarang segera halo hai cepat kak min terima kasih mau minta saya asli",
        ),
        ("bot", "bot robot mesin komputer ai chatbot"),
        (
            "speak",
            "bicara berbicara ngobrol chat ngomong berbincang bercakap terhubung berhubung cakap tersambung",
        ),
    ],
    requests: &[
        "@speak langsung? dengan|sama|ke|kepada|dgn|ama @which* @person|@anybody",
        "hubungkan|sambungkan|alihkan|transfer|pindahkan|sambung saya|aku|kami? ke|dengan|kepada @which* @person|@anybody",
        "mau|butuh|ingin|minta|perlu|nak|mahu bicara|chat|dengan|ke* @which* @person",
        "panggilkan|panggil @which* @person",
        "telepon|telpon|hubungi|call saya|aku balik|kembali|sekarang|segera|dong|ya|@please",
        "minta|mau|tolong ditelepon|ditelpon|dihubungi|telepon_balik|telepon_saya|hubungi_saya",
        "ada @which* orang|manusia|admin|cs|@person yang? bisa|di_sini|disini|asli",
        "tidak|gak|ga|nggak|tak mau bicara|chat|ngobrol? dengan|sama? @bot",
        "^^ @please* @which* agen|manusia|operator|customer_service|cs|petugas|admin|orang_asli|supervisor @please* $",
    ],
    negators: "tidak bukan jangan gak ga nggak tanpa tak",
    not_negating: &["tidak|gak|ga|nggak|tak bisa|boleh|dapat", "kenapa tidak|gak|ga", "bukan dengan? @bot"],
    fresh_start: "tapi dan tolong",
    not_after: &["kamu|anda|apakah ..1", "kemarin ..3", "kalau|jika ..2"],
    not_before: &["kemarin", "nomor|perjalanan|properti|rahasia"],
    prefixes: &[],
};
