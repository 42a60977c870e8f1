//! English requests for a person.

use super::matcher::Source;

pub const SOURCE: Source = Source {
    code: "en",
    lists: &[
        ("speak", "talk tlak takl tal tallk talkto speak spek speek spaek speack spk chat converse"),
        ("to", "to with w wit wth 2 too t directly straight"),
        // Who can only be a person at work for the service.
        (
            "person",
            "human humans humam humna huamn humen hooman hoomin human_being person persn persom agent agents agnet aget \
             agant agnt aagent agen rep reps %representative %representatives operator operators operater oparator operatr opertor oprator operattor csr adviser advisor assistant_manager \
             %supervisor manager managers mangr manger managr staff staff_member team_member member_of_staff \
             member_of_the_team member_of_your_team member_of_your_staff member_of_ur_team associate specialist specialists consultant \
             clerk employee superior live_chat live_support higher_up boss owner homo_sapiens",
        ),
        // Who counts only behind "talk to" and "transfer me to".
        (
            "anybody",
            "someone somebody some1 sum1 som1 anyone anybody people ppl support customer_service customer_services customer_support \
             customer_care custumer_service costumer_service customer_sevice helpdesk help_desk service_desk billing department dept \
             %technician expert experts colleague colleagues accounts management tech_support technical_support payroll reception frontdesk \
             front_desk claims hr",
        ),
        // Who is meant only behind an article: "a nurse", not "nurse".
        (
            "role",
            "nurse doctor dentist lawyer engineer pharmacist accountant banker officer teacher director coordinator librarian \
             receptionist secretary optician interpreter technician chief executive banker mechanic driver chef head_teacher team_leader \
             team_lead account_manager property_manager shift_manager duty_manager case_worker caseworker admin moderator gm",
        ),
        ("unit", "team department dept desk office division unit branch line crew"),
        (
            "crew",
            "one_of_you one_of_your_colleagues one_of_your_team one_of_your_people one_of_your_staff one_of_your_guys one_of_your_agents \
             one_of_your_reps one_of_your_managers one_of_yer_managers one_of_ur_team one_of_your_advisors one_of_your_friends one_of_them \
             your_colleague your_colleagues a_colleague your_manager your_supervisor your_boss your_team your_staff your_lead \
             a_teammate someone_senior someone_real somebody_real someone_human a_member_of_your_team a_member_of_staff \
             someone_from_your_team someone_from_your_side somebody_from_your_team someone_on_your_team someone_in_charge \
             somebody_in_charge someone_with_authority someone_higher_up someone_else somebody_else",
        ),
        // Who is asked for by a single word.
        (
            "bare",
            "human humans human_being real_person live_person actual_person real_human person agent agents agnet aget agant agnt rep reps \
             %representative operator operators operater oparator operatr opertor oprator operattor supervisor manager live_agent live_chat live_support customer_service customer_support \
             customer_care csr customer_service_representative customer_service_rep customer_service_agent advisor adviser specialist \
             live_human human_agent human_support human_help staff_member member_of_staff actual_human",
        ),
        (
            "which",
            "a an the any your ur yer one of some sum actual real reel live human living breathing physical other another different \
             proper customer custumer costumer service support care billing technical tech account fraud returns shipping local english \
             speaking british american good competent senior duty shift available next first line second level tier top human-like \
             else's staff sales virtual please pls damn dam bloody fucking freaking goddamn flesh_and_blood real_life living_breathing \
             qualified trained travel claims licensed certified natural genuine bank tax travel insurance mortgage loan",
        ),
        (
            "please",
            "please pls plz plse plzz pleas pleease plase kindly now asap immediately right straight away today ok okay yes yeah hi hello \
             hey thanks thank thx you just for me here instant already then so well ffs omg lol sir madam mate ma'am urgently urgent \
             quick quickly fast and ugh look listen",
        ),
        (
            "help",
            "help assist call contact phone ring reach message email talk speak chat join take look handle respond reply answer ping text \
             get_back get_in_touch check review read step",
        ),
        (
            "bot",
            "bot bots robot robots machine machines computer computers ai chatbot chatbots chat_bot algorithm automated_system automation \
             ivr software script program answering_machine virtual_assistant",
        ),
        (
            "behind",
            "to now please pls plz plzz asap right immediately here who that which today instead on for not because cause thanks thank \
             support help with at ffs k ok already so urgently this as rather from before i im its it my your you quick really",
        ),
        (
            "connect",
            "connect reconnect conect connct conenct transfer tranfer transfere trasnfer transfr put pass hand switch redirect forward \
             patch link refer route direct escalate bring move reroute chuck",
        ),
        (
            "want",
            "need ned neeed nead want wnat wan wanna wants wanting require demand request requesting requested prefer insist_on demanding \
             needing",
        ),
    ],
    requests: &[
        // talk to a human
        "@speak @to* @which* @person",
        "@speak @to* @which* @anybody",
        "@speak @to+ a|an|the|your @which* @role",
        "@speak @to+ the|your|a ..2 @unit",
        "@speak @to* @crew",
        "@speak human",
        "want|like|prefer|interested|rather in? speaking|talking|chatting @to @which* @person|@anybody",
        // somebody I can talk to
        "someone|somebody|anyone|anybody|@person real|else|human|live? that|who? i|we can|could|may actually|please|just? @speak|call|ask",
        // connect me to an agent
        "@connect me|us|this|it|my_call|my_chat|my_case|this_chat|this_call|the_call|the_chat|the_conversation back? @to|onto|over|thru|through|back_to|in_touch_with|on_to @to* @which* @person|@anybody|@crew",
        "@connect me|us back? @to|onto|over|thru|through|in_touch_with|on_to @to* a|an|the|your @which* @role",
        "@connect me|us back? @to|onto|over|thru|through|in_touch_with|on_to @to* the|your|a ..2 @unit",
        "@connect @to @which* @person",
        "^ @please* @connect @to @which* @anybody",
        "^ @please* @connect @which* @person",
        "^ @please* connect|reconnect|transfer|escalate me @please* $",
        "put|pass|hand|patch|get me|us on|over|through|thru @please* $",
        "in_touch_with|ahold_of|a_hold_of|hold_of|through_to|thru_to @which* @person|@crew !called|named",
        "get|reach|contact through|thru|hold|in_touch|a_hold|ahold to|of|with @which* @person !called|named",
        "get|give|find|send|bring|fetch|show|gimme|hand me|us? @which* @person $",
        "get|give|find|send|bring|fetch|gimme me|us @which* @person @behind",
        "get|give|find|bring|fetch|gimme me|us @crew",
        "get|put me|us? @which* @person|@role|someone|somebody|anyone on_the|on phone|line|chat|here",
        "gimme|gimmie|getme @which* @person @behind?",
        // I need an agent
        "@want|like to_have? @which* @person $",
        "@want to_have? @which* @person @behind",
        "@want to_have? a|an|some|any|one? real|live|actual|human|proper|living @which* @person",
        "@want a human",
        "would|id|ill like|love|rather_have|take to_have? @which* @person @behind",
        "@want|like|prefer someone|somebody|some1|person|human|agent|rep to|2 call|contact|phone|ring|@speak|reach|ring",
        "@want someone|somebody|some1 from|in|at|who|real|senior|human|higher",
        "@want @crew",
        "@want|like some? human|live|real|actual|in-person help|assistance|support|contact|interaction|assistant|conversation",
        "@speak|connect|transfer me|us? to|with? @which* live|real|actual person|human|chat|support",
        "looking_for @which* human|agent|rep|%representative|operator to @speak|help",
        "@which* human|person|agent|rep|%representative|manager|supervisor|operator needed|required|wanted @please* $",
        // is there a human
        "is|are there @which* @person here|available|around|there|online|i|who|that|on|to_talk|to_speak|to_help|in_there|in_here $",
        "is|are there @which* @person i|we can|could",
        "is|are there someone|somebody|anyone|anybody real|human|live|available|i_can|to_talk|to_speak|senior",
        "any @which* @person around|available|online|there|here|free",
        "is|are real|live|actual|human|any|an @which* @person available|online|around|free",
        "is|are a|an|any|your|the @which* agent|agents|rep|reps|%representative|human|humans|operator|supervisor available|online|free",
        // can an agent call me
        "can|could|may|let|have|will|would|ask|tell|get @which* @person please|pls? to? @help me|us|with|back|out|this|my|at|into",
        "can|could|may|let|have|will|would|ask|tell|get|please @crew please|pls? to? @help",
        "can|could|have|let|get|will|would|ask someone|somebody|some1|som1|anyone|anybody ..3 to? please|pls? call|calls|contact|phone|ring|reach|message me|us|back|out",
        "please|pls|plz have|get|ask|let|send|tell @which* @person|someone|somebody",
        "can|could|may|might i|we have|get @which* @person|@crew @behind?",
        // call me back
        "^ @please* i? want|need|request|would_like|demand? a? callback|call_back|callbck @please* $",
        "want|need|request|like|have|get|arrange|schedule|book|give_me|requesting|can_i_get|organise|organize|order|prefer a|an|the? phone|quick? callback|call_back",
        "^ ok|yes|so|and|just? please|pls|plz|kindly|can_you|could_you|can_u|will_you|would_you|then|and|just|you_can|someone|somebody please|pls|just|should? call|phone|ring me|us back|please|pls|now|on|at|asap|today|tomorrow|when|immediately|this|about|instead|urgently|then",
        "^ please|pls|plz|can_you|could_you|can_u|will_you|would_you? please|pls? call|phone|ring me|us $",
        "please|pls|plz|pleas call|phone|ring|telephone me|us back|asap|now|on|at|please|tomorrow|today",
        "please|pls|plz call|phone|ring|telephone me|us $",
        "@want a? phone_call|call from @which* @person|@anybody|you|your",
        "want|need|like|prefer to_be called|phoned|rung|contacted|transferred|connected|put back|through|thru|to|over",
        "want|need|like to_be called_back|transferred|escalated|put_through",
        "can|could|may|might i|we be|get put|transferred|connected|passed through|thru|to|over|with|onto",
        // not a bot
        "dont|do_not|never|wont|not|rather_not|no_longer|dnt|donot|refuse|don_t @want|like|going|wish|gonna|have|care? to? be? talk|talking|speak|speaking|chat|chatting|deal|dealing|communicate|communicating|interact to|with|2 a|an|the|this|some|any|your|these|stupid|dumb|useless|bloody|damn|@which* @bot",
        "dont|do_not|dnt|donot @want|like|need a|an|the|this|your|any|no|stupid|dumb|@which* @bot",
        "to|with|2|rather human|person|agent|someone not|than a|an|the|this? @bot",
        "^^ @please* no more? @bot|bot_please|automated_messages|automated_replies @please* $",
        "^ not|no a|an|the|this? @bot @please* $",
        "sick|tired|done|fed_up of|with talking|chatting|speaking|dealing|arguing to|with a|an|the|this|your|stupid|dumb|@which* @bot",
        "stop|skip|bypass|exit|leave|quit|turn_off|kill|cut the|this|a|your|with_the @bot|bot_thing @please* $",
        "anything|anyone|someone|somebody|person other|but|except than|a|this|you? @bot",
        // escalate
        "^ @please* i|can|could|want|need|you|we|to|would|like|have|this|id|must|will* escalate|esculate|escallate this|it|my|the|to|now|please|pls|me|us|immediately|asap",
        "want|need|like|have|get this|it|my|the ..2 escalated",
        // the bare noun
        "^^ @please* @which* @bare @which|@please* $",
        "@which* @bare please|pls|plz|plzz|now|asap|immediately @please* $",
        "^ @please* real|live|actual|human|a? @bare please|pls|plz|plzz",
    ],
    negators: "dont don't not never no dnt donot didnt doesnt isnt wasnt without wont neither nor hate avoid instead cannot isn't havent arent wouldnt stop",
    not_negating: &[
        "why dont|not|cannot|cant|wont|isnt you|i|we|anyone|u? ..1",
        "why_is_there|how_is_there no",
        "can|could|do|did|would|will you|i|we|u not",
        "cannot|not you|i|just|even|only",
        "isnt|arent there",
        "is_there no",
        "no|not @please* i|can|just|please|let|get|give",
        "^ no|not @speak|get|i|just|give|want|need|connect|transfer|let|really|seriously|bot",
        "not_a|not_the|no_more @bot",
        "not|never helping|helpful|working|useful|understanding|good|enough|understand|help|helped|work|answering",
        "dont|doesnt|didnt|isnt|wasnt|not|never|cannot understand|help|know|get_it|care|work|working|helping|answer|helpful|useful|want_you|want_this|want_a_bot|want_bot|have_time",
        "stop this|it|wasting|repeating|that|sending|asking",
    ],
    fresh_start: "i id im ill we let get give connect transfer put please pls just but so and",
    not_after: &[
        "tried|trying|had|having|used|refused|afraid|scared|hate|hated|supposed to",
        "do|did|would|will|should|must|does i|we|one|they have|need to",
        "do|did|should i|we @want to",
        "do|did|does|should|shall|must|will i|we|one",
        "if|when|whenever|before|after|until|while|because|every_time|each_time i|we|you|they|he|she have|had|need|want to",
        "when|whenever|every_time|each_time|last_time|after|before i|we",
        "without ..2",
        "i_have|ive|i've already? spoken|talked",
        "how|how_does|how_did a|the|your",
        "are|r|is|am|was|were you|u|i|this|it talking|speaking|chatting to|with",
        "am|are|was|were|is i|you|we|this|it",
        "are_you|r_u|is_this|are_u|you_are|youre|is_it|was_that|were_you",
        "did|does|has|had|have he|she|they|your|the|you|my",
        "teach|learn|how_to|tips|dreamt|dreamed ..2",
        "he|she|they|who|it wants|wanted|said|told|asked|needs|had ..3",
        "told_me_to|asked_me_to|said_to|told_to|advised_me_to|have_you|makes_me|made_me|only|than|salary_for|jobs_for|says|said|saying",
        "wanted|wants to? be? ..1 my|his|her|their",
        "my|his|her|their|our|the|live|video|group|secret|estate|travel_|real_estate",
        "you|u @want to",
        "dont|do_not have_to|need_to",
        "no",
        "@bot or|vs a|an?",
    ],
    not_before: &[
        "number|numbers|id|ids|code|name|names|email|emails|resources|resource|error|fee|fees|rights|right_to_work|commission|portal|login|license|licence|orange|uniform|training|jobs|job|salary|account|details|skills|hours|timings|role|position|address|page|app|software|dashboard|version|photo|picture|discount|card|mode|handbook|reviews|readable|button|option|feature|intent|command|nights|shifts|vacancy|vacancies|body|nature",
        "or|vs|versus a|an|the? @bot",
        "yesterday|last|already|before $",
        "who|that was|were|had|booked|sold|told|said|helped",
        "my_age|near_me|in_my_area|i_havent|i_matched|who_likes|like_me|new|single|famous|about_it_yesterday|if_the|if_it|only_if",
        "one_day|in_the_loop|and_the_server",
    ],
    prefixes: &[],
};
