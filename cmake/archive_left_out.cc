// libarchive's table of write formats names every writer it has, and some of those pull in XML, LZMA, bzip2 and Nettle,
// which a static program would have to carry for nothing. We write gnutar only: these definitions stand in for the
// others and refuse.
struct archive;

extern "C" {
int archive_write_set_format_7zip(archive*) { return -30; }  // ARCHIVE_FATAL
int archive_write_set_format_iso9660(archive*) { return -30; }
int archive_write_set_format_mtree(archive*) { return -30; }
int archive_write_set_format_mtree_classic(archive*) { return -30; }
int archive_write_set_format_xar(archive*) { return -30; }
int archive_write_set_format_zip(archive*) { return -30; }
// Unpacking sets no access control lists (that needs libacl, and build contexts carry none): ARCHIVE_OK.
int archive_write_disk_set_acls(archive*, int, const char*, void*, unsigned) { return 0; }
}
