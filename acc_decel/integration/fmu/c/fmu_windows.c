/* What the Windows library needs of a C runtime, so that zig need not build one, which takes minutes: memory of the
 * process, three functions that compilers call, and an entry point. Part of our build only; an importer that compiles
 * the sources has a runtime. */

#include <stddef.h>

#define ZEROED 8UL /* HEAP_ZERO_MEMORY */

__declspec(dllimport) void *__stdcall GetProcessHeap(void);
__declspec(dllimport) void *__stdcall HeapAlloc(void *heap, unsigned long flags, size_t size);
__declspec(dllimport) int __stdcall HeapFree(void *heap, unsigned long flags, void *memory);

int _fltused = 0; /* a name that compilers refer to where floats are used */

int __stdcall DllMainCRTStartup(void *library, unsigned long reason, void *reserved);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *first, const void *second, size_t size);
int strcmp(const char *first, const char *second);
void *calloc(size_t count, size_t size);
void free(void *memory);

int __stdcall DllMainCRTStartup(void *library, unsigned long reason, void *reserved)
{
    (void)library;
    (void)reason;
    (void)reserved;
    return 1;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *const target = to;
    const unsigned char *const source = from;

    for (size_t i = 0U; i < size; i++) {
        target[i] = source[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *const target = to;
    const unsigned char *const source = from;

    if ((size_t)target < (size_t)source) {
        for (size_t i = 0U; i < size; i++) {
            target[i] = source[i];
        }
    } else {
        for (size_t i = size; i > 0U; i--) {
            target[i - 1U] = source[i - 1U];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    unsigned char *const target = to;

    for (size_t i = 0U; i < size; i++) {
        target[i] = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *first, const void *second, size_t size)
{
    const unsigned char *const one = first;
    const unsigned char *const other = second;
    size_t i = 0U;

    while ((i < size) && (one[i] == other[i])) {
        i++;
    }
    return (i < size) ? ((int)one[i] - (int)other[i]) : 0;
}

int strcmp(const char *first, const char *second)
{
    size_t i = 0U;

    while ((first[i] != '\0') && (first[i] == second[i])) {
        i++;
    }
    return (int)(unsigned char)first[i] - (int)(unsigned char)second[i];
}

void *calloc(size_t count, size_t size)
{
    return HeapAlloc(GetProcessHeap(), ZEROED, count * size); /* of two small constants: no overflow */
}

void free(void *memory)
{
    if (memory != NULL) {
        (void)HeapFree(GetProcessHeap(), 0UL, memory);
    }
}
