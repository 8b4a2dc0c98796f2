"""The tables, as the application declares them."""

from django.db import models


class Orchard(models.Model):
    name = models.TextField(unique=True)
    trees = models.IntegerField(default=1)
    note = models.TextField(null=True)
    version = models.IntegerField(default=1)
    backend_id = models.TextField(null=True, editable=False)

    class Meta:
        db_table = "orchards"
        managed = False


class Tree(models.Model):
    name = models.TextField()
    orchard = models.ForeignKey(Orchard, on_delete=models.CASCADE, db_column="orchard_id")

    class Meta:
        db_table = "trees"
        managed = False
