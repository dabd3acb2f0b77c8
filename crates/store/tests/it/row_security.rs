//! The second wall, on PostgreSQL: what a statement forgets to ask is asked by the database.

use acuse_domain::id::CompanyId;
use acuse_store::Db;
use acuse_testkit::builders::{company, received};
use acuse_testkit::postgres::Postgres;
use acuse_testkit::world::World;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

/// A company with a customer and a payment, and one with two of each.
struct Two {
    world: World,
    one: CompanyId,
    other: CompanyId,
}

async fn two() -> Two {
    let world = World::at(&Postgres::shared().new_database_of_nobody()).await;
    let one = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let other = world.with(company().with_customer("Sierra").with_customer("Costa").with_open_invoice("80.00")).await;
    for made in [&one, &other] {
        for contact in &made.contacts {
            received(*contact, "10.00").to("pagos@andina.ec").record(&world.db, &made.actor).await.unwrap();
        }
    }
    Two { world, one: one.id, other: other.id }
}

async fn raw(url: &str) -> DatabaseConnection {
    Database::connect(url).await.unwrap()
}

async fn number(connection: &impl ConnectionTrait, sql: &str) -> i64 {
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn a_question_without_its_filter_gives_one_companys_rows() {
    let Two { world, one, other } = two().await;
    for table in ["contact", "payment", "payment_line", "delivery", "event"] {
        let [mine, theirs, all] = [Some(one), Some(other), None].map(|who| world.db.unfiltered_count(table, who));
        let (mine, theirs, all) = (mine.await.unwrap(), theirs.await.unwrap(), all.await.unwrap());
        assert!(mine > 0 && theirs > mine, "{table}: {mine} {theirs}");
        assert_eq!(all, mine + theirs, "{table}: who crosses companies sees both");
    }
}

#[tokio::test]
async fn a_connection_that_was_told_nothing_sees_nothing() {
    let Two { world, .. } = two().await;
    let connection = raw(&world.url).await;
    for table in ["contact", "payment", "delivery", "membership", "event"] {
        assert_eq!(number(&connection, &format!("SELECT COUNT(*) AS n FROM {table}")).await, 0, "{table}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_connection_keeps_nothing_of_whom_it_served_before() {
    let Two { world, one, other } = two().await;
    let asked = (0..200).map(|n| {
        let (db, who) = (world.db.clone(), if n % 2 == 0 { one } else { other });
        tokio::spawn(async move { (n % 2, db.unfiltered_count("contact", Some(who)).await.unwrap()) })
    });
    for answer in asked.collect::<Vec<_>>() {
        let (which, seen) = answer.await.unwrap();
        assert_eq!(seen, which + 1);
    }
}

#[tokio::test]
async fn nothing_is_written_into_another_company() {
    let Two { world, one, other } = two().await;
    let told = format!("SET app.company = '{one}'");
    let attempts = [
        (format!("UPDATE contact SET name = 'x' WHERE company_id = '{other}'"), Ok(0)),
        (format!("DELETE FROM delivery WHERE company_id = '{other}'"), Ok(0)),
        (format!("UPDATE api_token SET company_id = '{other}'"), Ok(0)),
        (format!("UPDATE contact SET company_id = '{other}'"), Err("row-level security")),
        (
            format!(
                "INSERT INTO event (company_id, id, subject_id, at, kind, who, detail) VALUES ('{other}', gen_random_uuid(), gen_random_uuid(), now(), 'x', 'x', 'x')"
            ),
            Err("row-level security"),
        ),
    ];
    for (sql, expected) in attempts {
        let one = raw(&world.url).await;
        let done = one.execute_unprepared(&format!("{told}; {sql}")).await;
        match expected {
            Ok(rows) => assert_eq!(done.unwrap().rows_affected(), rows, "{sql}"),
            Err(words) => assert!(done.as_ref().is_err_and(|error| error.to_string().contains(words)), "{sql}: {done:?}"),
        }
        one.close().await.unwrap();
    }
    assert_eq!(world.db.unfiltered_count("contact", Some(other)).await.unwrap(), 2);
}

#[tokio::test]
async fn every_table_of_a_company_has_the_wall_and_so_has_one_that_comes() {
    let Two { world, .. } = two().await;
    let connection = raw(&world.url).await;
    let open = "SELECT COUNT(*) AS n FROM information_schema.columns c JOIN pg_class t ON t.relname = c.table_name
        WHERE c.table_schema = 'public' AND c.column_name = 'company_id' AND t.relkind = 'r'
            AND NOT (t.relrowsecurity AND t.relforcerowsecurity
                AND EXISTS (SELECT 1 FROM pg_policies p WHERE p.tablename = c.table_name AND p.cmd = 'ALL'))";
    assert_eq!(number(&connection, open).await, 0);
    assert_eq!(world.db.keeps_companies_apart().await.unwrap(), Some(true));
    connection.execute_unprepared("CREATE TABLE nueva (company_id UUID NOT NULL)").await.unwrap();
    assert_eq!(number(&connection, open).await, 1);
    assert_eq!(world.db.keeps_companies_apart().await.unwrap(), Some(false));
    world.db.migrate().await.unwrap();
    assert_eq!(number(&connection, open).await, 0, "every migration ends with it");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_role_that_passes_the_wall_is_known() {
    let Two { world, .. } = two().await;
    let superuser = Db::open(&Postgres::as_superuser(&world.url)).await.unwrap();
    assert_eq!(superuser.keeps_companies_apart().await.unwrap(), Some(false));
    superuser.close().await;
    assert_eq!(World::on_sqlite().await.db.keeps_companies_apart().await.unwrap(), None);
}
