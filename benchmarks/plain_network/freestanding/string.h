/* What emx-onnx-cgen asks of <string.h>: it copies whole floats, which is what this does. */
#ifndef FREESTANDING_STRING_H
#define FREESTANDING_STRING_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) copied_word_t;

static inline void copy_words(void *to, const void *from, size_t bytes)
{
    copied_word_t *const target = (copied_word_t *)to;
    const copied_word_t *const source = (const copied_word_t *)from;

    for (size_t i = 0U; i < (bytes / sizeof(copied_word_t)); i++) {
        target[i] = source[i];
    }
}

#define memcpy copy_words

#endif
