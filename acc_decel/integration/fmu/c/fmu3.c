/* The face of FMI 3.0 for co-simulation: the functions that do something, each a call of fmu_core.h. What a function
 * must do is in the standard; the comments say only what is particular. The rest of the interface is in fmu3_refused.c.
 */

#include "fmi3Functions.h"
#include "fmu_core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    fmu_t fmu;
    fmi3LogMessageCallback logger;
    fmi3InstanceEnvironment environment;
} instance_t;

/* Errors are logged whether or not debug logging is on: an importer that shows none leaves the user without a reason.
 */
static void log_error(fmi3LogMessageCallback logger, fmi3InstanceEnvironment environment, const char *sentence)
{
    if (logger != NULL) {
        logger(environment, fmi3Error, "logStatusError", sentence);
    }
}

/* fmi3OK, or the message of the instance in the log and fmi3Error. */
static fmi3Status status_of(instance_t *instance, bool good)
{
    if (!good) {
        log_error(instance->logger, instance->environment, instance->fmu.message.text);
    }
    return good ? fmi3OK : fmi3Error;
}

const char *fmi3GetVersion(void)
{
    return fmi3Version;
}

/* There is nothing to log but errors, which are always logged. */
fmi3Status fmi3SetDebugLogging(fmi3Instance instance, fmi3Boolean loggingOn, size_t nCategories,
                               const fmi3String categories[])
{
    (void)loggingOn;
    (void)nCategories;
    (void)categories;
    return (instance != NULL) ? fmi3OK : fmi3Error;
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate)
{
    instance_t *made = NULL;
    fmu_message_t message;

    (void)instanceName;
    (void)resourcePath;
    (void)visible;
    (void)loggingOn;
    (void)eventModeUsed;
    (void)earlyReturnAllowed;
    (void)requiredIntermediateVariables;
    (void)nRequiredIntermediateVariables;
    (void)intermediateUpdate;
    if (fmu_accepts(instantiationToken, &message)) {
        made = calloc(1U, sizeof(*made));
        fmu_say(&message, "There must be memory for an instance of " FMU_NAME ". Got none.");
    }
    if (made != NULL) {
        fmu_reset(&made->fmu);
        made->logger = logMessage;
        made->environment = instanceEnvironment;
    } else {
        log_error(logMessage, instanceEnvironment, message.text);
    }
    return made;
}

void fmi3FreeInstance(fmi3Instance instance)
{
    free(instance);
}

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime)
{
    instance_t *const own = instance;
    fmi3Status status = fmi3Error;

    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    if (own != NULL) {
        const bool good = fmu_enter(&own->fmu, FMU_INSTANTIATED, FMU_INITIALIZING, "fmi3EnterInitializationMode");

        if (good) {
            own->fmu.state.time = startTime;
        }
        status = status_of(own, good);
    }
    return status;
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance)
{
    instance_t *const own = instance;
    fmi3Status status = fmi3Error;

    if (own != NULL) {
        const bool good = fmu_enter(&own->fmu, FMU_INITIALIZING, FMU_STEPPING, "fmi3ExitInitializationMode");

        if (good) {
            fmu_answer(&own->fmu);
        }
        status = status_of(own, good);
    }
    return status;
}

fmi3Status fmi3Terminate(fmi3Instance instance)
{
    instance_t *const own = instance;

    if (own != NULL) {
        fmu_terminate(&own->fmu);
    }
    return (own != NULL) ? fmi3OK : fmi3Error;
}

fmi3Status fmi3Reset(fmi3Instance instance)
{
    instance_t *const own = instance;

    if (own != NULL) {
        fmu_reset(&own->fmu);
    }
    return (own != NULL) ? fmi3OK : fmi3Error;
}

/* True if there is a value for each reference: no variable is an array. */
static bool has_counts(instance_t *own, size_t references, size_t values)
{
    const bool good = (own != NULL) && (references == values);

    if ((own != NULL) && !good) {
        fmu_say(&own->fmu.message, "There must be one value for each value reference. Got ");
        fmu_add_number(&own->fmu.message, (int64_t)values);
        fmu_add(&own->fmu.message, " for ");
        fmu_add_number(&own->fmu.message, (int64_t)references);
        fmu_add(&own->fmu.message, ".");
    }
    return good;
}

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_get_real(&own->fmu, valueReferences[i], &values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_set_real(&own->fmu, valueReferences[i], values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3GetInt32(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                        fmi3Int32 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_get_integer(&own->fmu, valueReferences[i], &values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

/* Enumerations are of this type. */
fmi3Status fmi3GetInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                        fmi3Int64 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        int32_t level = 0;
        good = fmu_get_integer(&own->fmu, valueReferences[i], &level);
        values[i] = (int64_t)level;
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3SetInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                        const fmi3Int64 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_set_integer(&own->fmu, valueReferences[i], values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3GetUInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         fmi3UInt64 values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_get_status(&own->fmu, valueReferences[i], &values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3GetBoolean(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Boolean values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_get_boolean(&own->fmu, valueReferences[i], &values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

fmi3Status fmi3SetBoolean(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Boolean values[], size_t nValues)
{
    instance_t *const own = instance;
    bool good = has_counts(own, nValueReferences, nValues);

    for (size_t i = 0U; good && (i < nValues); i++) {
        good = fmu_set_boolean(&own->fmu, valueReferences[i], values[i]);
    }
    return (own == NULL) ? fmi3Error : status_of(own, good);
}

/* Memory for a state, if *FMUState has none yet. */
static bool has_state(instance_t *own, fmi3FMUState *FMUState)
{
    if (*FMUState == NULL) {
        *FMUState = calloc(1U, sizeof(fmu_state_t));
    }
    if (*FMUState == NULL) {
        fmu_say(&own->fmu.message, "There must be memory for a saved state. Got none.");
    }
    return *FMUState != NULL;
}

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState *FMUState)
{
    instance_t *const own = instance;
    fmi3Status status = fmi3Error;

    if ((own != NULL) && (FMUState != NULL)) {
        const bool good = has_state(own, FMUState);

        if (good) {
            (void)memcpy(*FMUState, &own->fmu.state, sizeof(fmu_state_t));
        }
        status = status_of(own, good);
    }
    return status;
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState)
{
    instance_t *const own = instance;
    const bool good = (own != NULL) && (FMUState != NULL);

    if (good) {
        (void)memcpy(&own->fmu.state, FMUState, sizeof(fmu_state_t));
    }
    return good ? fmi3OK : fmi3Error;
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState *FMUState)
{
    if (FMUState != NULL) {
        free(*FMUState);
        *FMUState = NULL;
    }
    return (instance != NULL) ? fmi3OK : fmi3Error;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t *size)
{
    *size = fmu_serialized_size();
    return ((instance != NULL) && (FMUState != NULL)) ? fmi3OK : fmi3Error;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[], size_t size)
{
    instance_t *const own = instance;
    return ((own == NULL) || (FMUState == NULL))
               ? fmi3Error
               : status_of(own, fmu_serialize(&own->fmu, FMUState, serializedState, size));
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState *FMUState)
{
    instance_t *const own = instance;
    fmi3Status status = fmi3Error;

    if ((own != NULL) && (FMUState != NULL)) {
        fmu_state_t state;
        bool good = fmu_deserialize(&own->fmu, serializedState, size, &state);

        good = good && has_state(own, FMUState);
        if (good) {
            (void)memcpy(*FMUState, &state, sizeof(state));
        }
        status = status_of(own, good);
    }
    return status;
}

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
                      fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean *eventHandlingNeeded,
                      fmi3Boolean *terminateSimulation, fmi3Boolean *earlyReturn, fmi3Float64 *lastSuccessfulTime)
{
    instance_t *const own = instance;
    fmi3Status status = fmi3Error;

    (void)noSetFMUStatePriorToCurrentPoint;
    if (own != NULL) {
        status = status_of(own, fmu_step(&own->fmu, currentCommunicationPoint, communicationStepSize));
        *eventHandlingNeeded = fmi3False;
        *terminateSimulation = fmi3False;
        *earlyReturn = fmi3False;
        *lastSuccessfulTime = own->fmu.state.time;
    }
    return status;
}
