//! Whoever changes the audit behind our back is found out, and where.

use super::super::{AuditHead, Verdict};
use super::*;

const RECORDS: i64 = 40;

async fn recorded() -> Fixture {
    let fixture = Fixture::new().await;
    for number in 0..RECORDS {
        let act = Act::refused(Actor::Nobody, "door.verify", "wrong_date").in_visit(VisitId::from_bits(3));
        let act = if number % 2 == 0 { act.to(LinkId::from_bits(number.unsigned_abs())) } else { act };
        fixture.store.record(&act, NOW).await.unwrap();
    }
    assert!(matches!(fixture.store.verify_audit().await.unwrap(), Verdict::Whole(AuditHead { seq: RECORDS, .. })));
    fixture
}

async fn after(sql: &'static str) -> Verdict {
    let fixture = recorded().await;
    for statement in sql.split(';') {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&fixture.store.writer).await.unwrap();
    }
    fixture.store.verify_audit().await.unwrap()
}

#[tokio::test]
async fn one_changed_byte_of_any_column_is_found_where_it_is() {
    for sql in [
        "UPDATE audit SET at = at + 1 WHERE seq = 17",
        "UPDATE audit SET actor = 'nobodz' WHERE seq = 17",
        "UPDATE audit SET action = 'door.verifz' WHERE seq = 17",
        "UPDATE audit SET outcome = 'wrong_datf' WHERE seq = 17",
        "UPDATE audit SET visit_id = NULL WHERE seq = 17",
        "UPDATE audit SET visit_id = 'wis' || substr(visit_id, 4) WHERE seq = 17",
        "UPDATE audit SET subject = 'lnk-0000000000007' WHERE seq = 17",
        "UPDATE audit SET subject = '' WHERE seq = 18",
        "UPDATE audit SET hash = replace(hash, substr(hash, 9, 1), CASE substr(hash, 9, 1) WHEN 'a' THEN 'b' ELSE 'a' END) WHERE seq = 17",
    ] {
        let seq = if sql.ends_with("18") { 18 } else { 17 };
        assert_eq!(after(sql).await, Verdict::Changed { seq }, "{sql}");
    }
    assert_eq!(after("UPDATE audit SET seq = 99 WHERE seq = 17").await, Verdict::Missing { seq: 17 });
}

#[tokio::test]
async fn a_record_taken_out_or_moved_is_found_where_it_was() {
    for (sql, verdict) in [
        ("DELETE FROM audit WHERE seq = 17", Verdict::Missing { seq: 17 }),
        ("DELETE FROM audit WHERE seq = 1", Verdict::Missing { seq: 1 }),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 17;UPDATE audit SET seq = 17 WHERE seq = 18;UPDATE audit SET seq = 18 WHERE seq = 99",
            Verdict::Changed { seq: 17 },
        ),
        (
            "DELETE FROM audit WHERE seq = 17;UPDATE audit SET seq = -seq WHERE seq > 17;UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
            Verdict::Changed { seq: 17 },
        ),
        ("DELETE FROM audit WHERE seq > 30", Verdict::Missing { seq: 31 }),
        ("DELETE FROM audit", Verdict::Missing { seq: 1 }),
        (
            "INSERT INTO audit SELECT 41, at, actor, action, outcome, visit_id, subject, hash FROM audit WHERE seq = 40",
            Verdict::WrongHead { seq: 41 },
        ),
        (
            "INSERT INTO audit SELECT 0, at, actor, action, outcome, visit_id, subject, hash FROM audit WHERE seq = 40",
            Verdict::WrongHead { seq: 0 },
        ),
        ("UPDATE audit_head SET seq = 30, hash = (SELECT hash FROM audit WHERE seq = 30)", Verdict::WrongHead { seq: 31 }),
        ("UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 39)", Verdict::WrongHead { seq: 40 }),
    ] {
        assert_eq!(after(sql).await, verdict, "{sql}");
    }
}

#[tokio::test]
async fn a_tail_cut_off_with_its_head_is_missed_by_a_copy_of_the_head() {
    let fixture = recorded().await;
    let copy = fixture.store.audit_head().await.unwrap();
    for sql in
        ["DELETE FROM audit WHERE seq > 30", "UPDATE audit_head SET seq = 30, hash = (SELECT hash FROM audit WHERE seq = 30)"]
    {
        sqlx::query(sql).execute(&fixture.store.writer).await.unwrap();
    }
    let Verdict::Whole(head) = fixture.store.verify_audit().await.unwrap() else { panic!("it looks whole from inside") };
    assert!(head.seq < copy.seq, "the copy kept elsewhere is ahead of what is here");
}
