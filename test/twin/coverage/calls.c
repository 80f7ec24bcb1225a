// An audit library (rtld-audit(7)): notes which functions of libssl a program calls.
//
// The program must bind lazily; then the dynamic linker asks la_symbind64 at the first call of each
// function and not before. Lines go to the descriptor in $TWIN_CALLS_FD: `library PATH`, `call
// NAME`.
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kOther, kLibrary };

static void note(const char* kind, const char* name) {
  const char* descriptor = getenv("TWIN_CALLS_FD");
  char line[4200];
  int length = snprintf(line, sizeof line, "%s %s\n", kind, name);
  if (!descriptor || write(atoi(descriptor), line, (size_t)length) != length) _exit(125);
}

unsigned int la_version(unsigned int version) {
  (void)version;
  return LAV_CURRENT;
}

unsigned int la_objopen(struct link_map* map, Lmid_t namespace, uintptr_t* cookie) {
  (void)namespace;
  *cookie = kOther;
  if (map->l_name[0] == 0) return LA_FLG_BINDFROM;
  const char* slash = strrchr(map->l_name, '/');
  if (!slash || strcmp(slash, "/libssl.so.3") != 0) return 0;
  note("library", map->l_name);
  *cookie = kLibrary;
  return LA_FLG_BINDTO;
}

uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int index, uintptr_t* from, uintptr_t* to,
                       unsigned int* flags, const char* name) {
  (void)index;
  (void)from;
  (void)flags;
  if (*to == kLibrary) note("call", name);
  return symbol->st_value;
}
