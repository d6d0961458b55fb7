/* A PKCS#11 library that is SoftHSM until the file named by UNRULY_MOOD says "hang" or "die": then C_Sign does. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CK_FUNCTION_LIST (PKCS #11 2.40): a version, then 68 function pointers; C_Sign is the 44th. */
#define FUNCTIONS 68
#define C_SIGN 43
typedef unsigned long CK_ULONG;
typedef CK_ULONG (*function)(CK_ULONG, void *, CK_ULONG, void *, CK_ULONG *);
struct list {
    unsigned char version[2];
    function functions[FUNCTIONS];
};

static struct list ours;
static function real_sign;

static CK_ULONG unruly_sign(CK_ULONG session, void *data, CK_ULONG size, void *signature, CK_ULONG *signature_size)
{
    char mood[8] = "";
    FILE *file = fopen(getenv("UNRULY_MOOD"), "r");
    if (file) {
        if (!fgets(mood, sizeof mood, file))
            mood[0] = 0;
        fclose(file);
    }
    if (!strcmp(mood, "hang"))
        for (;;)
            pause();
    if (!strcmp(mood, "die"))
        raise(SIGSEGV);
    return real_sign(session, data, size, signature, signature_size);
}

CK_ULONG C_GetFunctionList(struct list **found)
{
    void *library = dlopen(getenv("UNRULY_REAL"), RTLD_NOW);
    CK_ULONG (*real)(struct list **) = library ? (CK_ULONG (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
    struct list *theirs;
    if (!real || real(&theirs))
        return 5; /* CKR_GENERAL_ERROR */
    ours = *theirs;
    real_sign = ours.functions[C_SIGN];
    ours.functions[C_SIGN] = unruly_sign;
    *found = &ours;
    return 0;
}
