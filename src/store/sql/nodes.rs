//! Rows of nodes, of who is connected to them, and of the tickets that they share.

use super::rows::to_json;
use super::{Dialect, Row, Sql, SqlStore, Value, agents, points, values};
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, ConversationId, NodeId, VisitorId, WidgetKey};
use crate::domain::time::Timestamp;
use crate::fault::planted;
use crate::flow::ports::directory::SecretHash;
use crate::flow::ports::nodes::{Company, Holder, Lease, LeaseError, Mark, Node, Nodes, Term};
use crate::flow::ports::{ReadMarks, StoreError};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Whether a lease stands; until this step is written it does. The fencing number alone decides, and no clock: who ends
/// a lease takes its row away.
fn stands(sql: &dyn Sql, lease: &Lease) -> Result<(), LeaseError> {
    let lock = sql.dialect().for_update();
    let found = sql.exists(
        &format!("select 1 from nodes where id = ?1 and fence = ?2{lock}"),
        values![lease.node.as_str(), lease.fence],
    )?;
    if found || planted("lease_without_fence") { Ok(()) } else { Err(LeaseError::Lost) }
}

/// Locks rows of agents, always after those of nodes: who is connected where is looked at once nobody else changes it.
fn lock_agents(sql: &dyn Sql, which: &str, with: &[Value<'_>]) -> Result<(), StoreError> {
    let lock = sql.dialect().for_update();
    if lock.is_empty() {
        return Ok(());
    }
    let locked: Vec<()> =
        sql.all(&format!("select 1 from attendance where {which} order by agent{lock}"), with, |_| Ok(()))?;
    drop(locked);
    Ok(())
}

/// Ends a node: who was connected to it and to no other is lost.
fn end(sql: &dyn Sql, node: &str, lost_at: Timestamp) -> Result<(), StoreError> {
    lock_agents(sql, "agent in (select agent from connections where node = ?1)", values![node])?;
    sql.run(
        "update attendance set lost_at = ?2 where lost_at is null \
         and agent in (select agent from connections where node = ?1) \
         and not exists (select 1 from connections c where c.agent = attendance.agent and c.node <> ?1)",
        values![node, lost_at.as_millis()],
    )?;
    sql.run("delete from connections where node = ?1", values![node])?;
    sql.run("delete from nodes where id = ?1", values![node])?;
    Ok(())
}

fn take(sql: &dyn Sql, node: &NodeId, term: Term, company: Company) -> Result<Lease, StoreError> {
    let id = |row: &Row<'_>| row.get::<String>(0);
    let over: Vec<String> = match company {
        Company::Alone => sql.all("select id from nodes order by fence", &[], id)?,
        Company::Others => sql.all("select id from nodes where id = ?1", values![node.as_str()], id)?,
    };
    for other in &over {
        end(sql, other, term.now)?;
    }
    lock_agents(sql, "lost_at is null", &[])?;
    sql.run(
        "update attendance set lost_at = ?1 where lost_at is null \
         and not exists (select 1 from connections c where c.agent = attendance.agent)",
        values![term.now.as_millis()],
    )?;
    let fence: u64 = sql.one(
        "update meta set value = cast(cast(value as bigint) + 1 as text) where key = 'fence' \
         returning cast(value as bigint)",
        &[],
        |row| row.get(0),
    )?;
    sql.run(
        "insert into nodes (id, fence, renewed_at, expires_at) values (?1, ?2, ?3, ?4)",
        values![node.as_str(), fence, term.now.as_millis(), term.expires_at.as_millis()],
    )?;
    Ok(Lease { node: node.clone(), fence })
}

fn renew(sql: &dyn Sql, lease: &Lease, here: &[AgentId], term: Term) -> Result<(), LeaseError> {
    stands(sql, lease)?;
    sql.run(
        "update nodes set renewed_at = ?2, expires_at = ?3 where id = ?1",
        values![lease.node.as_str(), term.now.as_millis(), term.expires_at.as_millis()],
    )?;
    let kept: BTreeSet<AgentId> =
        sql.all("select agent from connections where node = ?1", values![lease.node.as_str()], |row| {
            row.parsed(0, AgentId::parse)
        })?;
    let here: BTreeSet<AgentId> = here.iter().cloned().collect();
    for agent in here.difference(&kept) {
        connected(sql, lease, agent)?;
    }
    for agent in kept.difference(&here) {
        disconnected(sql, lease, agent, term.now)?;
    }
    Ok(())
}

fn connected(sql: &dyn Sql, lease: &Lease, agent: &AgentId) -> Result<(), LeaseError> {
    stands(sql, lease)?;
    agents::is_here(sql, agent)?;
    sql.run(
        "insert into connections (agent, node, fence) values (?1, ?2, ?3) \
         on conflict (agent, node) do update set fence = excluded.fence",
        values![agent.as_str(), lease.node.as_str(), lease.fence],
    )?;
    Ok(())
}

fn disconnected(
    sql: &dyn Sql,
    lease: &Lease,
    agent: &AgentId,
    heard_at: Timestamp,
) -> Result<(), LeaseError> {
    stands(sql, lease)?;
    // Their coming may not have been written: whoever goes is known from now on, and can be missed.
    agents::known(sql, agent)?;
    lock_agents(sql, "agent = ?1", values![agent.as_str()])?;
    sql.run(
        "delete from connections where agent = ?1 and node = ?2",
        values![agent.as_str(), lease.node.as_str()],
    )?;
    sql.run(
        "update attendance set lost_at = ?2, is_known = 1 where agent = ?1 and lost_at is null \
         and not exists (select 1 from connections c where c.agent = ?1)",
        values![agent.as_str(), heard_at.as_millis()],
    )?;
    Ok(())
}

/// Whoever holds something is connected, or lost and missed after their grace: also somebody whose coming could not be
/// written.
pub(super) fn holds(sql: &dyn Sql, agent: &AgentId, now: Timestamp) -> Result<(), StoreError> {
    if sql.exists("select 1 from connections where agent = ?1", values![agent.as_str()])? {
        return Ok(());
    }
    agents::known(sql, agent)?;
    lock_agents(sql, "agent = ?1", values![agent.as_str()])?;
    sql.run(
        "update attendance set lost_at = ?2 where agent = ?1 and lost_at is null \
         and not exists (select 1 from connections c where c.agent = ?1)",
        values![agent.as_str(), now.as_millis()],
    )?;
    Ok(())
}

fn end_expired(sql: &dyn Sql, now: Timestamp) -> Result<Vec<NodeId>, StoreError> {
    let lock = sql.dialect().for_update();
    let expired: Vec<(NodeId, Timestamp)> = sql.all(
        &format!("select id, renewed_at from nodes where expires_at <= ?1 order by fence{lock}"),
        values![now.as_millis()],
        |row| Ok((row.parsed(0, NodeId::parse)?, row.time(1)?)),
    )?;
    for (node, renewed_at) in &expired {
        end(sql, node.as_str(), *renewed_at)?;
    }
    Ok(expired.into_iter().map(|(node, _)| node).collect())
}

fn leave(sql: &dyn Sql, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
    match stands(sql, lease) {
        Ok(()) => end(sql, lease.node.as_str(), now),
        Err(LeaseError::Lost) => Ok(()),
        Err(LeaseError::Store(error)) => Err(error),
    }
}

fn nodes(sql: &dyn Sql) -> Result<Vec<Node>, StoreError> {
    sql.all(
        "select id, fence, renewed_at, expires_at, (select count(*) from connections c where c.node = nodes.id) \
         from nodes order by fence",
        &[],
        |row| {
            let lease = Lease { node: row.parsed(0, NodeId::parse)?, fence: row.get(1)? };
            Ok(Node { lease, renewed_at: row.time(2)?, expires_at: row.time(3)?, agents: row.get(4)? })
        },
    )
}

fn mark(row: &Row<'_>) -> Result<Mark, StoreError> {
    Ok(Mark {
        conversation: row.parsed(0, ConversationId::parse)?,
        visitor: row.parsed(1, VisitorId::parse)?,
        version: row.get(2)?,
        last_position: row.get(3)?,
        marks: ReadMarks { visitor: row.get(4)?, agent: row.get(5)? },
    })
}

fn marks(sql: &dyn Sql, conversations: &[String], visitors: &[String]) -> Result<Vec<Mark>, StoreError> {
    let what = "select id, visitor, version, last_position, visitor_read, agent_read from conversations";
    let any = match sql.dialect() {
        Dialect::Sqlite => "(select value from json_each(?1))",
        Dialect::Postgres => "(select json_array_elements_text(cast(?1 as text)::json))",
    };
    let by_id = format!("{what} where id in {any}");
    let by_visitor = format!(
        "{what} where visitor in {any} and opened_at = \
         (select max(other.opened_at) from conversations other where other.visitor = conversations.visitor)"
    );
    let mut found = Vec::with_capacity(conversations.len() + visitors.len());
    for (statement, wanted) in [(by_id, conversations), (by_visitor, visitors)] {
        if !wanted.is_empty() {
            let some: Vec<Mark> = sql.all(&statement, values![&to_json(&wanted)?], mark)?;
            found.extend(some);
        }
    }
    points::skip_late_commits(sql, &mut found)?;
    Ok(found)
}

fn take_ticket(sql: &dyn Sql, hash: &SecretHash, now: Timestamp) -> Result<Option<Holder>, StoreError> {
    let found = sql.first(
        "delete from tickets where hash = ?1 returning kind, holder, detail, expires_at",
        values![&hash.0],
        |row| {
            let holder = match row.get::<&str>(0)? {
                "visitor" => Holder::Visitor {
                    visitor: row.parsed(1, VisitorId::parse)?,
                    widget: row.parsed(2, WidgetKey::parse)?,
                },
                _ => Holder::Agent { agent: row.parsed(1, AgentId::parse)?, role: row.word(2, Role::parse)? },
            };
            Ok((holder, row.time(3)?))
        },
    )?;
    sql.run("delete from tickets where expires_at <= ?1", values![now.as_millis()])?;
    Ok(found.filter(|(_, expires_at)| now < *expires_at).map(|(holder, _)| holder))
}

#[async_trait]
impl Nodes for SqlStore {
    async fn take(&self, node: &NodeId, term: Term, company: Company) -> Result<Lease, StoreError> {
        let node = node.clone();
        self.write(move |sql| take(sql, &node, term, company)).await
    }

    async fn renew(&self, lease: &Lease, here: &[AgentId], term: Term) -> Result<(), LeaseError> {
        let (lease, here) = (lease.clone(), here.to_vec());
        self.write(move |sql| renew(sql, &lease, &here, term)).await
    }

    async fn connected(&self, lease: &Lease, agent: &AgentId) -> Result<(), LeaseError> {
        let (lease, agent) = (lease.clone(), agent.clone());
        self.write(move |sql| connected(sql, &lease, &agent)).await
    }

    async fn disconnected(
        &self,
        lease: &Lease,
        agent: &AgentId,
        heard_at: Timestamp,
    ) -> Result<(), LeaseError> {
        let (lease, agent) = (lease.clone(), agent.clone());
        self.write(move |sql| disconnected(sql, &lease, &agent, heard_at)).await
    }

    async fn end_expired(&self, now: Timestamp) -> Result<Vec<NodeId>, StoreError> {
        let is_any = self.read(move |sql| {
            sql.exists("select 1 from nodes where expires_at <= ?1", values![now.as_millis()])
        });
        // Asked several times a second: only what is found is written.
        if !is_any.await? {
            return Ok(Vec::new());
        }
        self.write(move |sql| end_expired(sql, now)).await
    }

    async fn leave(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |sql| leave(sql, &lease, now)).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        self.read(nodes).await
    }

    async fn marks(
        &self,
        conversations: &[ConversationId],
        visitors: &[VisitorId],
    ) -> Result<Vec<Mark>, StoreError> {
        let conversations: Vec<String> = conversations.iter().map(|id| id.as_str().to_owned()).collect();
        let visitors: Vec<String> = visitors.iter().map(|id| id.as_str().to_owned()).collect();
        self.read(move |sql| marks(sql, &conversations, &visitors)).await
    }

    async fn policy_version(&self) -> Result<u32, StoreError> {
        self.read(|sql| sql.one("select coalesce(max(version), 0) from policy", &[], |row| row.get(0))).await
    }

    async fn keep_ticket(
        &self,
        hash: SecretHash,
        holder: Holder,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (kind, holder, detail) = match holder {
            Holder::Visitor { visitor, widget } => {
                ("visitor", visitor.as_str().to_owned(), widget.as_str().to_owned())
            }
            Holder::Agent { agent, role } => ("agent", agent.as_str().to_owned(), role.as_str().to_owned()),
        };
        self.write(move |sql| {
            sql.run(
                "insert into tickets (hash, kind, holder, detail, expires_at) values (?1, ?2, ?3, ?4, ?5)",
                values![&hash.0, kind, &holder, &detail, expires_at.as_millis()],
            )
            .map(|_| ())
        })
        .await
    }

    async fn take_ticket(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<Holder>, StoreError> {
        let hash = hash.clone();
        self.write(move |sql| take_ticket(sql, &hash, now)).await
    }

    async fn forget_tickets(&self, account: &AgentId) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |sql| {
            sql.run("delete from tickets where kind = 'agent' and holder = ?1", values![account.as_str()])
                .map(|_| ())
        })
        .await
    }
}
