"""An application that uses SQLAlchemy's ORM, whose version column checks that each UPDATE and each DELETE
met one row."""

import sys

from sqlalchemy import ForeignKey, create_engine, delete as delete_from, event, insert as insert_into
from sqlalchemy import inspect, select, update as update_rows
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import operations


class Base(DeclarativeBase):
    pass


class Orchard(Base):
    __tablename__ = "orchards"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    trees: Mapped[int] = mapped_column(default=1)
    note: Mapped[str | None]
    version: Mapped[int]
    planted: Mapped[list["Tree"]] = relationship(cascade="all, delete-orphan")
    __mapper_args__ = {"version_id_col": version}


class Tree(Base):
    __tablename__ = "trees"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    orchard_id: Mapped[int] = mapped_column(ForeignKey("orchards.id"))


def connect(url: str):
    parts = operations.settings(url)
    if "file" in parts:
        engine = create_engine(f"sqlite:///{parts['file']}", connect_args={"timeout": 30})

        @event.listens_for(engine, "connect")
        def foreign_keys_on(connection, _):
            connection.execute("PRAGMA foreign_keys = ON")

        return engine, sqlite.insert
    return create_engine("postgresql+psycopg://", connect_args=parts), postgresql.insert


engine, insert_on = connect(sys.argv[1])


def in_session(function):
    def work(*arguments):
        with Session(engine) as session, session.begin():
            return function(session, *arguments)

    return work


def named(session, name) -> Orchard:
    return session.scalars(select(Orchard).where(Orchard.name == name)).one()


def insert(session, name):
    orchard = Orchard(name=name)
    session.add(orchard)
    session.flush()
    return orchard.id


def plant(session, name, orchard):
    named(session, orchard).planted.append(Tree(name=name))
    return "planted"


def save(session, name, trees):
    orchard = named(session, name)
    orchard.trees = int(trees)
    session.flush()
    return orchard.version


def save_unchanged(session, name):
    orchard = named(session, name)
    orchard.trees = orchard.trees
    return orchard.version


def delete(session, name):
    session.delete(named(session, name))
    session.flush()
    return "deleted"


def delete_stale(session, name):
    """Deletes an object that somebody else has changed meanwhile, which the version column refuses."""
    orchard = named(session, name)
    session.execute(
        update_rows(Orchard)
        .where(Orchard.name == name)
        .values(version=Orchard.version + 1)
        .execution_options(synchronize_session=False)
    )
    session.delete(orchard)
    session.flush()


def delete_returning(session, name):
    rows = session.execute(
        delete_from(Orchard).where(Orchard.name == name).returning(Orchard.name, Orchard.trees)
    )
    return " ".join(f"{row.name}={row.trees}" for row in rows)


def move(session, name, orchard):
    """Replaces the object in one transaction with one of the same name."""
    old = named(session, orchard)
    session.delete(old)
    session.flush()
    session.add(Orchard(name=name))
    return "moved"


def bulk_insert(session, *names):
    session.execute(insert_into(Orchard), [{"name": name, "version": 1} for name in names])
    return len(names)


def update_where(session, trees, note):
    return session.execute(
        update_rows(Orchard).where(Orchard.trees == int(trees)).values(note=note)
    ).rowcount


def upsert(session, name, trees):
    row = insert_on(Orchard).values(name=name, trees=int(trees), version=1)
    row = row.on_conflict_do_update(index_elements=["name"], set_={"trees": row.excluded.trees})
    session.execute(row)
    return "written"


def replace(session, key, name, trees):
    """SQLite's INSERT OR REPLACE."""
    row = insert_into(Orchard).prefix_with("OR REPLACE")
    session.execute(row.values(id=int(key), name=name, trees=int(trees), version=1))
    return "written"


def replace_name(session, name, trees):
    """The same without a key: the row that is replaced is found by its unique name."""
    row = insert_into(Orchard).prefix_with("OR REPLACE")
    session.execute(row.values(name=name, trees=int(trees), version=1))
    return "written"


def roll_back(session, name):
    session.add(Orchard(name="never"))
    session.delete(named(session, name))
    session.flush()
    raise InterruptedError("rolled back")


def columns(session):
    described = inspect(session.connection()).get_columns("orchards")
    return " ".join(column["name"] for column in described)


operations.serve(
    {
        function.__name__: in_session(function)
        for function in (
            insert,
            plant,
            save,
            save_unchanged,
            delete,
            delete_stale,
            delete_returning,
            move,
            bulk_insert,
            update_where,
            upsert,
            replace,
            replace_name,
            roll_back,
            columns,
        )
    }
)
