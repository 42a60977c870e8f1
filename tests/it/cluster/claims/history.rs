//! Who held what, as the database itself wrote it down: a trigger notes every change of a
//! holder, and the server tells in which order transactions were committed. So what agents
//! held is known for every moment, and not only for those at which somebody looked.

use std::collections::BTreeMap;

use baton::store::sql::SqlStore;

use crate::support::postgres::Database;

const TRIGGER: &str = r"
create table holders (
  n            bigserial primary key,
  conversation text not null,
  state        text not null,
  agent        text,
  xid          xid8 not null default pg_current_xact_id()
);
create function note_holder() returns trigger language plpgsql as $$
begin
  insert into holders (conversation, state, agent) values (new.id, new.state, new.agent);
  return null;
end $$;
create trigger note_holder after update on conversations for each row
  when (old.state is distinct from new.state or old.agent is distinct from new.agent)
  execute function note_holder();
";

/// A conversation changed its state or its holder.
struct Step {
    conversation: String,
    state: String,
    agent: Option<String>,
}

impl Step {
    fn takes_room(&self) -> bool {
        self.state == "offered" || self.state == "with_agent"
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Held {
    /// Changes of a state or a holder.
    pub steps: usize,
    /// Times that an agent came to have a conversation.
    pub taken: usize,
    /// The most that an agent ever held.
    pub most: usize,
}

/// Begins to write it down.
pub fn begin(database: &Database) {
    database.run(TRIGGER);
}

/// Goes through it in the order of commits: nobody ever held more than `capacity`, and nobody ever came to have what
/// somebody had.
pub async fn check(store: &SqlStore, capacity: usize) -> Held {
    let steps = store.read(|sql| {
        // Of changes that were committed in the same microsecond, those that give room come first.
        let all = "select conversation, state, agent from holders \
                   order by pg_xact_commit_timestamp(cast(cast(xid as text) as xid)), \
                   state in ('offered', 'with_agent'), n";
        let read = |row: &baton::store::sql::Row<'_>| {
            Ok(Step { conversation: row.get(0)?, state: row.get(1)?, agent: row.get(2)? })
        };
        sql.all(all, &[], read)
    });
    let steps: Vec<Step> = steps.await.unwrap();
    let mut found = Held { steps: steps.len(), ..Held::default() };
    let mut now: BTreeMap<String, Step> = BTreeMap::new();
    for step in steps {
        let before = now.get(&step.conversation);
        if step.state == "with_agent" {
            let had = before.filter(|before| before.state == "with_agent");
            let had = had.and_then(|before| before.agent.as_ref());
            assert_eq!(
                had, None,
                "{} was taken by {:?} from somebody who had it",
                step.conversation, step.agent
            );
            found.taken += 1;
        }
        let agent = step.agent.clone().filter(|_| step.takes_room());
        now.insert(step.conversation.clone(), step);
        if let Some(agent) = agent {
            let holds = now.values().filter(|held| held.takes_room() && held.agent.as_ref() == Some(&agent));
            let holds = holds.count();
            assert!(holds <= capacity, "{agent} held {holds} of {capacity}");
            found.most = found.most.max(holds);
        }
        now.retain(|_, held| held.takes_room());
    }
    found
}
