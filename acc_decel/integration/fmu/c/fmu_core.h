/* One instance of the model for FMI: its variables by value reference, one answer a step, its state as bytes.
 *
 * Both faces, fmu2.c and fmu3.c, call these functions; nothing here knows a version of FMI. There is no static data
 * that changes: a program may hold as many instances as it likes. A function that returns false has written one
 * sentence that says why into the message. Value references are in fmu_tables.h, which is generated: a base for each
 * kind of variable plus the place of the column, factor, output or bit.
 */
#ifndef FMU_CORE_H
#define FMU_CORE_H

#include "acc_decel.h"
#include "acc_decel_correction.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FMU_MESSAGE_SIZE 400U

/* How a factor appears among the variables. */
typedef struct {
    const char *name;
    uint32_t first; /* its first column */
    uint32_t count; /* of its columns */
    bool is_choice; /* an enumeration, and a probability for each level */
    bool is_switch; /* a Boolean */
    bool available; /* at the start; true for a factor that is required */
    float off;      /* of a switch: the value of false, and of true */
    float on;
} fmu_factor_t;

#include "fmu_tables.h"

/* A sentence that is being written; what does not fit is cut off. */
typedef struct {
    char text[FMU_MESSAGE_SIZE];
    size_t length;
} fmu_message_t;

typedef enum { FMU_INSTANTIATED = 0, FMU_INITIALIZING = 1, FMU_STEPPING = 2, FMU_TERMINATED = 3 } fmu_phase_t;

typedef union {
    float values[ACC_DECEL_COLUMN_COUNT];
    acc_decel_factors_t factors;
} fmu_columns_t;

typedef union {
    float values[ACC_DECEL_OUTPUT_COUNT];
    acc_decel_prediction_t prediction;
} fmu_outputs_t;

typedef union {
    float values[FMU_CORRECTION_COUNT];
    acc_decel_correction_t correction;
} fmu_correction_t;

/* All that an instance remembers. */
typedef struct {
    double time; /* [s] */
    acc_decel_status_t status;
    fmu_columns_t given; /* as they were set, whether available or not */
    fmu_correction_t correction;
    fmu_outputs_t outputs;                      /* of the last step that was answered; zeros before the first */
    float distances[FMU_DISTANCE_COUNT];        /* [m] of the same step; infinite before the first */
    int32_t choices[ACC_DECEL_FACTOR_COUNT];    /* 0: unknown, else the level, counted from 1 */
    uint32_t available[ACC_DECEL_FACTOR_COUNT]; /* 0 or 1 */
    uint32_t phase;                             /* fmu_phase_t */
} fmu_state_t;

typedef struct {
    fmu_state_t state;
    fmu_message_t message; /* why the last function returned false */
} fmu_t;

/* Starts a new sentence, and continues it with a text or a number. */
void fmu_say(fmu_message_t *message, const char *text);
void fmu_add(fmu_message_t *message, const char *text);
void fmu_add_number(fmu_message_t *message, int64_t number);

/* True if an instance may be made: `token` is that of modelDescription.xml, and the self-test passes. */
bool fmu_accepts(const char *token, fmu_message_t *message);

/* The start values of modelDescription.xml. */
void fmu_reset(fmu_t *fmu);

/* The next phase, if `from` is the present one. `function` is named in the message. */
bool fmu_enter(fmu_t *fmu, fmu_phase_t from, fmu_phase_t to, const char *function);

/* The last phase, whatever the present one is. */
void fmu_terminate(fmu_t *fmu);

/* Computes the answer to the present inputs. A refused step leaves outputs and distances as they are. */
void fmu_answer(fmu_t *fmu);

/* The answer at the end of a step [s]. */
bool fmu_step(fmu_t *fmu, double time, double step);

bool fmu_get_real(fmu_t *fmu, uint32_t reference, double *value);
bool fmu_set_real(fmu_t *fmu, uint32_t reference, double value);
bool fmu_get_integer(fmu_t *fmu, uint32_t reference, int32_t *value);
bool fmu_set_integer(fmu_t *fmu, uint32_t reference, int64_t value);
bool fmu_get_boolean(fmu_t *fmu, uint32_t reference, bool *value);
bool fmu_set_boolean(fmu_t *fmu, uint32_t reference, bool value);
bool fmu_get_status(fmu_t *fmu, uint32_t reference, uint64_t *value);

/* A state as bytes of this build: the token, then the memory. Bytes of another model are refused. */
size_t fmu_serialized_size(void);
bool fmu_serialize(fmu_t *fmu, const fmu_state_t *state, uint8_t bytes[], size_t size);
bool fmu_deserialize(fmu_t *fmu, const uint8_t bytes[], size_t size, fmu_state_t *state);

#endif
