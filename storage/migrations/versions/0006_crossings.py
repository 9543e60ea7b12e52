"""What two orders of slices have in common, and histograms of what is above a slice."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables. The writer fills them: it makes the segments of before anew, one after the
    other, and each tells what it told until its turn comes."""
    op.create_table(
        "opportunity_place",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("net_bps_slice", sa.LargeBinary(), nullable=False),
        sa.Column("profit_slice", sa.LargeBinary(), nullable=False),
        sa.Column("duration_slice", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "first_day", "number"),
    )
    op.create_table(
        "opportunity_crossing",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("crossed_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("others", sa.LargeBinary(), nullable=False),
        sa.Column("owners", sa.LargeBinary(), nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "crossed_by", "kind", "first_day", "number"),
    )
    op.create_table(
        "opportunity_checkpoint",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profit_keys", sa.LargeBinary(), nullable=False),
        sa.Column("profit_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("profit_counts", sa.LargeBinary(), nullable=False),
        sa.Column("duration_keys", sa.LargeBinary(), nullable=False),
        sa.Column("duration_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("duration_counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "kind", "first_day", "number"),
    )
