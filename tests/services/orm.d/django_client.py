"""An application that uses Django's ORM on tables that it does not manage."""

import sys

import django
from django.conf import settings as django_settings

import operations


def database(url: str) -> dict:
    parts = operations.settings(url)
    if "file" in parts:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts["file"],
            "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": parts["host"],
        "PORT": parts["port"],
        "USER": parts["user"],
        "PASSWORD": parts["password"],
        "NAME": parts["dbname"],
        "OPTIONS": {"options": parts["options"]},
    }


django_settings.configure(
    DATABASES={"default": database(sys.argv[1])},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402


class Orchard(models.Model):
    name = models.TextField(unique=True)
    trees = models.IntegerField(default=1)
    note = models.TextField(null=True)
    version = models.IntegerField(default=1)
    backend_id = models.TextField(null=True, editable=False)

    class Meta:
        app_label = "orm"
        db_table = "orchards"
        managed = False


class Tree(models.Model):
    name = models.TextField()
    orchard = models.ForeignKey(Orchard, on_delete=models.CASCADE, db_column="orchard_id")

    class Meta:
        app_label = "orm"
        db_table = "trees"
        managed = False


def insert(name):
    return Orchard.objects.create(name=name).id


def insert_with_key(key, name):
    return Orchard.objects.create(id=key, name=name).id


def plant(name, orchard):
    return Tree.objects.create(name=name, orchard=Orchard.objects.get(name=orchard)).id


def save(name, trees):
    orchard = Orchard.objects.get(name=name)
    orchard.trees = int(trees)
    orchard.save()
    return orchard.trees


def save_unchanged(name):
    Orchard.objects.get(name=name).save(force_update=True)
    return "saved"


def delete(name):
    """Deletes as Django does: what references the object first."""
    counts = Orchard.objects.get(name=name).delete()[1]
    return " ".join(f"{kind}={counts[kind]}" for kind in sorted(counts))


def bulk_create(*names):
    return len(Orchard.objects.bulk_create([Orchard(name=name) for name in names]))


def update_where(trees, note):
    return Orchard.objects.filter(trees=trees).update(note=note)


def bulk_update(trees, *names):
    orchards = list(Orchard.objects.filter(name__in=names))
    for orchard in orchards:
        orchard.trees = int(trees)
    return Orchard.objects.bulk_update(orchards, ["trees"])


def upsert(name, trees):
    orchard = Orchard(name=name, trees=trees)
    Orchard.objects.bulk_create(
        [orchard], update_conflicts=True, unique_fields=["name"], update_fields=["trees"]
    )
    return "written"


def insert_or_ignore(name):
    Orchard.objects.bulk_create([Orchard(name=name)], ignore_conflicts=True)
    return "written"


def get_or_create(name):
    return Orchard.objects.get_or_create(name=name)[1]


def update_or_create(name, trees):
    return Orchard.objects.update_or_create(name=name, defaults={"trees": int(trees)})[1]


def roll_back(name):
    try:
        with transaction.atomic():
            Orchard.objects.create(name="never")
            Orchard.objects.get(name=name).delete()
            raise InterruptedError
    except InterruptedError:
        return "rolled back"


def columns():
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, "orchards")
    return " ".join(column.name for column in described)


def rebuild():
    """Changes a column as a migration does: on SQLite, by making the table anew."""
    note = models.CharField(max_length=200, null=True)
    note.set_attributes_from_name("note")
    note.model = Orchard
    with connection.schema_editor() as editor:
        editor.alter_field(Orchard, Orchard._meta.get_field("note"), note)
    return "rebuilt"


operations.serve(
    {
        function.__name__: function
        for function in (
            insert,
            insert_with_key,
            plant,
            save,
            save_unchanged,
            delete,
            bulk_create,
            update_where,
            bulk_update,
            upsert,
            insert_or_ignore,
            get_or_create,
            update_or_create,
            roll_back,
            columns,
            rebuild,
        )
    }
)
