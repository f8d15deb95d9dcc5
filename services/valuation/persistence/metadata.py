"""What every module of tables adds itself to."""

import sqlalchemy as sa

metadata = sa.MetaData()
AT = sa.DateTime(timezone=True)
