"""What is deleted leaves nothing in SQLite's files, and nobody waits long for it."""

from sqlalchemy import text

from storage.database import remains
from storage.database.remains import empty_log

SECRET = "Quillhilda"


def find_secret(node):
    files = sorted(node.files.root.parent.glob("index.db*"))
    return [path.name for path in files if SECRET.encode() in path.read_bytes()]


def write_and_delete(node):
    with node.db.session() as session:
        session.execute(text("CREATE TABLE notes (words TEXT)"))
        session.execute(text("INSERT INTO notes VALUES (:words)"), [{"words": f"{SECRET} {n}"} for n in range(500)])
        session.execute(text("INSERT INTO notes VALUES (:words)"), {"words": SECRET * 10_000})
    assert empty_log(node.db)
    assert find_secret(node) == ["index.db"]
    with node.db.session() as session:
        session.execute(text("UPDATE notes SET words = 'other' WHERE rowid % 2"))
        session.execute(text("DELETE FROM notes WHERE words <> 'other'"))


def test_every_connection_overwrites_what_it_deletes(node):
    with node.db.engine.connect() as one, node.db.engine.connect() as other:
        assert [connection.scalar(text("PRAGMA secure_delete")) for connection in (one, other)] == [1, 1]


def test_neither_file_nor_log_keep_what_was_deleted(node):
    write_and_delete(node)
    assert empty_log(node.db)
    assert find_secret(node) == []
    assert node.db.engine.connect().scalar(text("PRAGMA busy_timeout")) == 30_000


def test_a_reader_is_in_the_way_and_holds_up_nobody(node):
    write_and_delete(node)
    with node.db.reading() as session:
        session.execute(text("SELECT * FROM notes")).all()
        with node.db.session() as writer:
            writer.execute(text("INSERT INTO notes VALUES ('later')"))
        assert not empty_log(node.db, tries=2, sleep=lambda _: None)
    assert empty_log(node.db)
    assert remains.PATIENCE_MS <= 500
