//! What agents took, call by call.

use jiff::Timestamp;
use rusqlite::params;

use super::{Database, DatabaseError};
use crate::model::{SessionId, TaskId, Usage, UsageRecord};

/// Largest figure of one call that is believed; sums of them stay far below what SQLite counts to.
const MOST: u64 = 1 << 40;

impl Database {
    /// Keeps what the call `id` took; `false`: that is known already.
    pub fn add_usage(&self, id: &str, record: &UsageRecord, at: Timestamp) -> Result<bool, DatabaseError> {
        let UsageRecord { task, session, agent, stage, usage } = record;
        let sql = "INSERT OR IGNORE INTO usage (id, task, session, agent, stage, input, cached, output, cost, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let [input, cached, output, cost] =
            [usage.input, usage.cached, usage.output, usage.cost].map(|figure| figure.min(MOST).cast_signed());
        let task = task.map(|task| task.0);
        let values = params![id, task, session.0, agent, stage, input, cached, output, cost, at.to_string()];
        self.execute(sql, values).map(|rows| rows > 0)
    }

    /// All that was taken, by task, session, agent and stage.
    pub fn usage(&self) -> Result<Vec<UsageRecord>, DatabaseError> {
        let sql = "SELECT task, session, agent, stage, SUM(input), SUM(cached), SUM(output), SUM(cost) FROM usage
            GROUP BY task, session, agent, stage ORDER BY task IS NULL, task, MIN(rowid)";
        self.rows(sql, [], |row| {
            let figure = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
            Ok(UsageRecord {
                task: row.get::<_, Option<u32>>(0)?.map(TaskId),
                session: SessionId(row.get(1)?),
                agent: row.get(2)?,
                stage: row.get(3)?,
                usage: Usage { input: figure(4)?, cached: figure(5)?, output: figure(6)?, cost: figure(7)? },
            })
        })
    }

    /// What a task has taken in all, and how much of that came before its budget was used up the last time.
    pub fn usage_of(&self, task: TaskId) -> Result<(Usage, Usage), DatabaseError> {
        let sql = "SELECT SUM(input), SUM(cached), SUM(output), SUM(cost) FROM usage WHERE task = ?1";
        let figure = |figure: Option<i64>| figure.unwrap_or_default().cast_unsigned();
        let all = self.row(sql, [task.0], |row| {
            let [input, cached, output, cost] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?].map(figure);
            Ok(Usage { input, cached, output, cost })
        })?;
        let before = self.value(&spent_key(task))?.and_then(|json: String| serde_json::from_str(&json).ok());
        Ok((all.unwrap_or_default(), before.unwrap_or_default()))
    }

    /// The budget of a task is used up: what it takes from here on counts anew.
    pub fn set_spent(&mut self, task: TaskId, all: &Usage) -> Result<(), DatabaseError> {
        let json = serde_json::to_string(all).expect("invariant: figures are JSON");
        self.set_value(&spent_key(task), &json)
    }
}

fn spent_key(task: TaskId) -> String {
    format!("spent:{}", task.0)
}
