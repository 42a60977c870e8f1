//! German and Dutch requests for a person.

use super::matcher::Source;

pub const SOURCES: &[Source] = &[GERMAN, DUTCH];

const GERMAN: Source = Source {
    code: "de",
    lists: &[
        (
            "person",
            "mensch menschen person mitarbeiter mitarbeiterin mitarbeitern berater beraterin beratern kundenberater kundenberaterin kundenbetreuer agent agenten agentin sachbearbeiter sachbearbeiterin ansprechpartner ansprechpartnerin vorgesetzten vorgesetzter vorgesetzte chef chefin teamleiter teamleiterin filialleiter operator kundendienst kundenservice servicemitarbeiter supportmitarbeiter verantwortlichen verantwortlicher kollegen kollegin manager vertreter",
        ),
        ("anybody", "jemand jemanden jemandem irgendwem irgendjemandem support wem"),
        (
            "which",
            "einem einer einen eine ein eines nem ner nen ne dem der den das die ihrem ihrer ihren ihre eurem euren echten echter echte echtem richtigen richtiger richtige realen realer reale lebenden lebendigen menschlichen menschlicher anderen zuständigen kompetenten vom von aus irgendeinem wirklichen persönlichen",
        ),
        (
            "please",
            "bitte sofort jetzt hallo guten tag danke dringend gleich schnell endlich ich will möchte brauche einen eine ein mit echter echten",
        ),
        (
            "speak",
            "sprechen reden chatten schreiben telefonieren verbunden verbinden verbindet sprech red kommunizieren unterhalten weitergeleitet weiterleiten durchgestellt durchstellen",
        ),
        ("bot", "bot bots roboter maschine maschinen computer ki chatbot automaten automat anrufbeantworter"),
    ],
    requests: &[
        "mit|zu|an @which* @person|@anybody ..3 @speak",
        "@speak ..2 mit|zu|an @which* @person|@anybody",
        "verbinde|verbinden|verbind|verbindet|leiten|leite|leitet|stellen|stelle|stellt sie|mich|mir|uns|bitte* mit|zu|an|direkt* @which* @person|@anybody",
        "geben|gib|gebt|hol|holen|schick|schicken|ruf|rufen sie|mir|uns|mich|bitte* @which+ @person",
        "brauche|brauch|will|möchte|wünsche|verlange|fordere|bevorzuge|hätte_gern|hätte_gerne|bräuchte sofort|jetzt|bitte|endlich|gerne* @which+ @person $",
        "brauche|brauch|will|möchte|wünsche|verlange|hätte_gern|hätte_gerne sofort|jetzt|bitte|endlich* @which+ @person bitte|sofort|jetzt|und|der|die|sprechen|keinen|haben",
        "rückruf|zurückrufen|zurückgerufen",
        "rufen|ruft|ruf sie|mich|uns|bitte* mich|uns an|zurück",
        "kann|könnte|könnten|können|soll|möge mich? bitte? jemand|@which* @person mich? bitte? anrufen|zurückrufen|kontaktieren|helfen",
        "ist|gibt da|es|hier* jemand|@which* @person da|erreichbar|echtes|mit_dem|der_mir",
        "nicht mit @which* @bot",
        "keinen|kein @bot $",
        "will|möchte keinen|kein|nicht_mit_dem|nicht_mit_einem @bot",
        "^^ @please* @which* mensch|menschen|mitarbeiter|mitarbeiterin|berater|kundenberater|agent|operator|kundenservice|kundendienst|echter_mensch|echten_menschen|ansprechpartner|vorgesetzter|vorgesetzten @please* $",
    ],
    negators: "nicht kein keine keinen keinem keiner ohne nie niemals",
    not_negating: &[
        "warum ..3 nicht",
        "kann|können|konnte ..2 nicht",
        "nicht|kein|keinen mit? @which* @bot",
        "nicht verstehen|verstanden|helfen|dich|du",
    ],
    fresh_start: "sondern aber und ich bitte",
    not_after: &[
        "mein|meine|meinem|meiner|dein|sein|ihr",
        "bist|sind|ist|bin du|sie|das|ich? ein|eine?",
        "habe|hatte|hab ..3",
        "wenn|als|nachdem ..2",
    ],
    not_before: &["gesprochen|geredet|telefoniert|versprochen", "nummer|kosten|rechte|würde"],
    prefixes: &[],
};

const DUTCH: Source = Source {
    code: "nl",
    lists: &[
        (
            "person",
            "mens mensen medewerker medewerkers medewerkster persoon agent agenten vertegenwoordiger klantenservice klantendienst collega leidinggevende manager supervisor teamleider operator adviseur baas",
        ),
        ("anybody", "iemand support"),
        (
            "which",
            "een de het n echte echt levende levend menselijke jullie uw je jou andere bevoegde van van_de van_vlees_en_bloed",
        ),
        (
            "please",
            "alsjeblieft alstublieft aub svp nu direct meteen hallo hoi goedemorgen goedemiddag dank ik wil graag een echte echt",
        ),
        ("bot", "bot bots robot robots machine machines computer ai chatbot automaat"),
        (
            "speak",
            "spreken praten chatten bellen doorverbonden doorverbinden verbonden verbinden spreek praat telefoneren overleggen",
        ),
    ],
    requests: &[
        "met @which* @person|@anybody ..2 @speak",
        "@speak met @which* @person|@anybody",
        "verbind|verbindt|schakel|geef|zet mij|me|ons|even* door|met|met_een* @which+ @person",
        "verbind|verbindt mij|me door? met @which* @person|@anybody",
        "@person|iemand spreken",
        "wil|wou|zou|moet|mag ik? graag? @which* @person|iemand spreken|aan_de_lijn|hebben",
        "heb @which* @person nodig",
        "wil|eis|zoek|verlang ik? nu|graag? @which+ @person $",
        "bel|bellen mij|me|ons terug|op|even|alsjeblieft|aub|a_u_b",
        "teruggebeld|terugbellen|terugbelverzoek",
        "kan|kunt|kun|kunnen iemand|@which* @person|u|jullie|je mij|me bellen|terugbellen|helpen",
        "is_er|zijn_er @which* @person|iemand aanwezig|beschikbaar|die|met_wie|echt",
        "niet met @which* @bot",
        "wil geen @bot",
        "^^ @please* @which* medewerker|mens|persoon|agent|klantenservice|manager|leidinggevende|echt_persoon|echte_persoon|adviseur @please* $",
    ],
    negators: "niet geen zonder nooit",
    not_negating: &["waarom ..3 niet", "kan|kon ..2 niet", "niet|geen met? @which* @bot"],
    fresh_start: "maar en ik",
    not_after: &[
        "mijn|zijn|haar|jouw",
        "ben|bent|is|zijn jij|je|u|dit|ik? een?",
        "heb|had ..3",
        "als|toen|wanneer ..2",
    ],
    not_before: &["gesproken|gepraat|gebeld", "nummer|kosten|rechten"],
    prefixes: &[],
};
