"""Backup and restore: the database and the files of plugins and channels, in one checked archive.

kept       which files below data_dir belong in
scratch    a folder for what is half made
archive    the tar file and its manifest, written and unpacked with distrust
sqlite     a consistent copy of a database in use
postgres   the same by pg_dump and pg_restore
contents   what lies in a database: schema revisions, counts
make       `back_up`
restore    `restore`, and what it keeps aside
"""

from botcore.store.backup.archive import Manifest, Report
from botcore.store.backup.make import back_up
from botcore.store.backup.restore import Restored, restore

__all__ = ["Manifest", "Report", "Restored", "back_up", "restore"]
