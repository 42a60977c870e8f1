//! Spanish, French, Portuguese and Italian requests for a person.

use super::matcher::Source;

pub const SOURCES: &[Source] = &[SPANISH, FRENCH, PORTUGUESE, ITALIAN];

const SPANISH: Source = Source {
    code: "es",
    lists: &[
        (
            "person",
            "humano humana humanos persona personas agente agentes asesor asesora representante operador operadora ejecutivo ejecutiva supervisor supervisora encargado encargada gerente jefe jefa responsable consultor consultora empleado empleada atención_al_cliente servicio_al_cliente atención_humana ser_humano técnico",
        ),
        ("anybody", "alguien soporte"),
        (
            "which",
            "un una uno el la los las algún alguna con de su sus tu a al verdadero verdadera real reales otro otra persona señor humano humana vivo viva de_carne_y_hueso cualquier directamente por_favor favor",
        ),
        (
            "please",
            "por_favor porfavor porfa favor ya ahora hola gracias urgente urgentemente inmediatamente quiero necesito un una el la buenas buenos días tardes real de_verdad",
        ),
        (
            "bot",
            "bot robot máquina máquinas robots bots ia chatbot contestador asistente_virtual inteligencia_artificial",
        ),
        (
            "speak",
            "hablar hablo habla charlar chatear comunicarme comunicarnos contactar conversar platicar hablr ablar comunicar contactarme",
        ),
        (
            "want",
            "quiero quisiera necesito deseo prefiero exijo dame deme denme pásame páseme pásenme ponme póngame comuníqueme comunícame comuníquenme conéctame conécteme transfiéreme transfiérame transfiéranme derívame deríveme busco solicito requiero pido",
        ),
    ],
    requests: &[
        "@speak con? @which* @person|@anybody",
        "pasar|pasarme|transferir|transferirme|conectar|conectarme|derivar|derivarme|poner|ponerme|comunicar me? con|a @which* @person|@anybody",
        "pásame|páseme|pásenme|ponme|póngame|comuníqueme|comunícame|comuníquenme|conéctame|conécteme|transfiéreme|transfiérame|transfiéranme|derívame con|a @which* @person|@anybody",
        "@want @which* @person $",
        "@want @which* @person ya|ahora|que|por_favor|porfavor|porfa|para|real|de_verdad|humano|humana|urgente|no|y",
        "me_atienda|atiéndame|atenderme|me_ayude @which* @person|alguien",
        "que_me llame|llamen|contacte|contacten @which* @person? ",
        "pueden|puede|podrían|podría|puedes llamarme|llamar_me|contactarme|devolverme",
        "me pueden|puede|podrían|puedes llamar|contactar",
        "llámame|llámeme|llámenme|llamenme por_favor|ya|al|ahora|@please",
        "hay alguien|@which* @person ahí|disponible|real|con_quien|con_el_que|que_me",
        "no quiero hablar? con? un|una|este|esta|el|la|más? @bot|bots|robots|máquinas",
        "^^ @please* @which* agente|humano|persona|representante|operador|operadora|asesor|asesora|ejecutivo|supervisor|persona_real|agente_humano|atención_humana @please* $",
    ],
    negators: "no sin nunca tampoco ni",
    not_negating: &[
        "no puedo|puede|pueden|logro|hay|me|se|entiende|entiendes|sirve|funciona",
        "por_qué no",
        "no|ni un? @bot",
    ],
    fresh_start: "pero y",
    not_after: &[
        "mi|mis|tu|su",
        "eres|es|soy|son|estoy un|una?",
        "estoy|estás|hablando",
        "ya|ayer hablé",
        "intenté",
        "cuando|si",
    ],
    not_before: &[
        "de_viajes|de_viaje|inmobiliario|inmobiliaria|de_seguros_que|de_aduanas|secreto",
        "ayer|anoche",
    ],
    prefixes: &[],
};

const FRENCH: Source = Source {
    code: "fr",
    lists: &[
        (
            "person",
            "humain humaine humains personne personnes agent agents conseiller conseillère conseillers opérateur opératrice responsable superviseur manager représentant technicien interlocuteur être_humain service_client service_clients support_client collaborateur employé",
        ),
        ("anybody", "quelqu_un quelquun quelqu'un service"),
        (
            "which",
            "un une l d le la les de du des a à au aux votre vos vrai vraie véritable réel réelle autre être en physique de_vrai",
        ),
        (
            "please",
            "s_il_vous_plaît s_il_te_plaît svp stp maintenant bonjour merci vite immédiatement urgent je veux voudrais un une vrai vraie réel",
        ),
        (
            "bot",
            "robot robots bot bots machine machines ia chatbot ordinateur répondeur automate assistant_virtuel intelligence_artificielle",
        ),
        ("speak", "parler parlez discuter échanger chatter tchatter converser communiquer dialoguer"),
    ],
    requests: &[
        "@speak avec|à|a|au|directement @which* @person|@anybody",
        "@speak à|a|avec @which* @person|@anybody",
        "passez|passe|mettez|mets|transférez|transfère|transférer|connectez|connecte|redirigez|redirige|donnez|orientez moi|nous? en_relation|en_contact|en_ligne? avec|à|a|au|vers @which* @person|@anybody",
        "donnez|passez|envoyez moi @which* @person",
        "mettre|mis|mise|être_mis en_relation|en_contact|en_ligne avec|à|a|au? @which* @person|@anybody",
        "veux|voudrais|souhaite|souhaiterais|exige|aimerais|préfère|demande avoir|joindre|contacter|voir|parler_à? @which+ @person",
        "besoin d|de @which* @person|@anybody",
        "rappelez|rappelle|rappeler|appelez moi|me|nous",
        "être rappelé|rappelée|recontacté|recontactée",
        "me|nous rappeler|recontacter|appeler",
        "y_a_t_il|est_ce_qu_il_y_a @which* @person|@anybody",
        "pas parler|discuter? à|avec|de|d|un|une* @which* @bot",
        "veux pas de|d|un|une|du|parler_à|parler_avec* @bot",
        "^^ @please* @which* agent|humain|conseiller|conseillère|opérateur|opératrice|représentant|vraie_personne|être_humain|service_client|responsable @please* $",
    ],
    negators: "pas jamais sans aucun ni",
    not_negating: &[
        "pourquoi ..3 pas",
        "peux|puis|arrive|pouvez pas",
        "pas|de|d un? @bot",
        "pas comprendre|compris|vous|toi|ça",
    ],
    fresh_start: "mais et je",
    not_after: &[
        "êtes|es|est|suis|parle|sont vous|tu|ce|c? un|une?",
        "mon|ma|mes|ton|son|notre",
        "j_ai|avons|ai déjà|parlé",
        "quand|si",
    ],
    not_before: &["de_voyage|immobilier|immobilière|d_assurance_que|secret|commercial_m", "hier"],
    prefixes: &[],
};

const PORTUGUESE: Source = Source {
    code: "pt",
    lists: &[
        (
            "person",
            "humano humana humanos pessoa pessoas atendente atendentes agente agentes operador operadora representante supervisor supervisora gerente responsável consultor consultora funcionário funcionária assistente_humano atendimento_humano suporte_humano ser_humano alguém_real",
        ),
        ("anybody", "alguém suporte sac atendimento"),
        (
            "which",
            "um uma o a os as algum alguma com de do da seu sua seus real verdadeiro verdadeira outro outra pessoa humano humana de_verdade de_carne_e_osso qualquer direto diretamente",
        ),
        (
            "please",
            "por_favor pfv pf porfavor agora já olá oi bom dia boa tarde noite obrigado obrigada urgente imediatamente quero preciso um uma de real de_verdade",
        ),
        (
            "bot",
            "robô robo robôs bot bots máquina máquinas ia chatbot assistente_virtual inteligência_artificial",
        ),
    ],
    requests: &[
        "falar|fala|conversar|contactar|contatar|comunicar|papear com|c|a|pra? @which* @person|@anybody",
        "quero|preciso|gostaria|desejo|exijo|prefiro|solicito de? @which* @person $",
        "quero|preciso|gostaria|desejo|exijo|prefiro|solicito de? @which* @person agora|por_favor|já|que|para|pra|real|humano|urgente|e|não",
        "passa|passe|passar|transfere|transfira|transferir|transfiram|conecta|conecte|conectar|chama|chame|coloque|coloca|encaminha|encaminhe me|para|com|a|pra* @which* @person|@anybody",
        "me passa|passe|transfere|transfira|conecta|conecte|encaminhe para|com|a|pra|o* @which* @person|@anybody",
        "me liga|ligue|liguem|ligar|telefone|retorne|retornem",
        "ligue|liguem|liga|ligar me|para_mim|pra_mim",
        "podem|pode|poderiam|poderia me ligar|contactar|telefonar",
        "tem alguém|@which* @person aí|disponível|real|que_possa|para_falar",
        "não quero falar? com? um|uma|este|esse|o|a|mais? @bot",
        "^^ @please* @which* atendente|humano|pessoa|operador|operadora|representante|agente|atendimento_humano|suporte_humano|supervisor|gerente|pessoa_real @please* $",
    ],
    negators: "não nao sem nunca nem tampouco",
    not_negating: &[
        "não|nao consigo|posso|dá|tem|me|entende|funciona|resolve",
        "por_que|porque não|nao",
        "não|nao um? @bot",
    ],
    fresh_start: "mas e",
    not_after: &[
        "meu|minha|seu|sua",
        "você|vc|tu é|e um|uma?",
        "é|sou|estou um|uma|falando? com?",
        "já|ontem falei",
        "tentei",
        "quando|se",
    ],
    not_before: &["de_viagens|de_viagem|imobiliário|secreto|de_seguros_que", "ontem"],
    prefixes: &[],
};

const ITALIAN: Source = Source {
    code: "it",
    lists: &[
        (
            "person",
            "umano umana umani persona persone operatore operatrice operatori agente agenti rappresentante consulente consulenti addetto addetta supervisore responsabile servizio_clienti assistenza_clienti essere_umano assistenza_umana impiegato",
        ),
        ("anybody", "qualcuno assistenza supporto"),
        (
            "which",
            "un uno una l il lo la i gli con di del della dei vostro vostra suo sua vero vera reale altro altra in_carne_e_ossa a ad al umano umana",
        ),
        (
            "please",
            "per_favore perfavore pf subito adesso ora ciao salve buongiorno grazie urgente immediatamente voglio vorrei un una uno reale vero vera",
        ),
        (
            "bot",
            "bot robot macchina macchine ia chatbot risponditore assistente_virtuale intelligenza_artificiale",
        ),
    ],
    requests: &[
        "parlare|parlo|chattare|comunicare|conferire con|a|ad|direttamente* @which* @person|@anybody",
        "voglio|vorrei|desidero|esigo|preferisco|cerco|chiedo|serve|servirebbe mi? @which* @person $",
        "voglio|vorrei|desidero|esigo|preferisco|cerco|serve mi? @which+ @person per|che|subito|ora|adesso|umano|reale|e|non",
        "bisogno|necessità di @which* @person|@anybody",
        "passami|passatemi|passi|passate|mettimi|mettetemi|metta|mettere|collegami|collegatemi|trasferiscimi|trasferitemi|trasferire|datemi|dammi|chiamami mi|in_contatto|in_linea? con|a|ad|al|all? @which* @person|@anybody",
        "mi passi|passate|trasferisca|metta|può_passare|potete_passare con|a|ad|al|in_contatto_con* @which* @person|@anybody",
        "chiamatemi|richiamatemi|richiamami|richiami|ricontattatemi|chiamami",
        "essere richiamato|richiamata|ricontattato|ricontattata|contattato_da",
        "può|potete|puoi|potreste|potrebbe chiamarmi|richiamarmi|ricontattarmi|contattarmi",
        "mi può|potete|puoi|potreste chiamare|richiamare|ricontattare",
        "c_è|ce qualcuno|@which* @person con_cui|reale|disponibile|che_può|che_possa",
        "non voglio parlare? con? un|una|questo|il|la? @bot",
        "^^ @please* @which* operatore|operatrice|umano|persona|agente|consulente|rappresentante|essere_umano|persona_reale|servizio_clienti|supervisore @please* $",
    ],
    negators: "non senza mai né",
    not_negating: &["non riesco|posso|c|mi|capisce|capisci|funziona|serve_a", "perché non", "non un? @bot"],
    fresh_start: "ma e",
    not_after: &[
        "mio|mia|tuo|tua|suo",
        "sei|è|siete|sono un|una|uno?",
        "sto parlando con?",
        "ieri|già ..1",
        "quando|se",
    ],
    not_before: &["di_viaggio|immobiliare|segreto|assicurativo_che", "ieri"],
    prefixes: &[],
};
