/* The face of FMI 2.0 for co-simulation: all its functions, each a call of fmu_core.h. What a function
 * must do is in the standard; the comments say only what is particular. Memory is the FMU's own, as the capability flag
 * canNotUseMemoryManagementFunctions says. */

#include "fmi2Functions.h"
#include "fmu_core.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64U

typedef struct {
    fmu_t fmu;
    fmi2CallbackLogger logger;
    fmi2ComponentEnvironment environment;
    char name[NAME_SIZE];
} component_t;

/* Errors are logged whether or not debug logging is on: an importer that shows none leaves the user without a reason.
 */
static void log_error(fmi2CallbackLogger logger, fmi2ComponentEnvironment environment, fmi2String name,
                      const char *sentence)
{
    if (logger != NULL) {
        logger(environment, name, fmi2Error, "logStatusError", sentence); /* no % in it: it is a format */
    }
}

/* fmi2OK, or the message of the instance in the log and fmi2Error. */
static fmi2Status status_of(component_t *component, bool good)
{
    if (!good) {
        log_error(component->logger, component->environment, component->name, component->fmu.message.text);
    }
    return good ? fmi2OK : fmi2Error;
}

static fmi2Status refused(fmi2Component c, const char *sentence)
{
    fmi2Status status = fmi2Error;

    if (c != NULL) {
        component_t *const component = c;
        fmu_say(&component->fmu.message, sentence);
        status = status_of(component, false);
    }
    return status;
}

const char *fmi2GetTypesPlatform(void)
{
    return fmi2TypesPlatform;
}

const char *fmi2GetVersion(void)
{
    return fmi2Version;
}

/* There is nothing to log but errors, which are always logged. */
fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean loggingOn, size_t nCategories,
                               const fmi2String categories[])
{
    (void)loggingOn;
    (void)nCategories;
    (void)categories;
    return (c != NULL) ? fmi2OK : fmi2Error;
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions *functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn)
{
    component_t *component = NULL;
    fmu_message_t message;
    bool accepted = (fmuType == fmi2CoSimulation);

    (void)fmuResourceLocation;
    (void)visible;
    (void)loggingOn;
    if (!accepted) {
        fmu_say(&message, "The type must be co-simulation. Got model exchange, which " FMU_NAME " does not offer.");
    } else {
        accepted = fmu_accepts(fmuGUID, &message);
    }
    if (accepted) {
        component = calloc(1U, sizeof(*component));
        fmu_say(&message, "There must be memory for an instance of " FMU_NAME ". Got none.");
    }
    if (component != NULL) {
        fmu_reset(&component->fmu);
        component->logger = (functions != NULL) ? functions->logger : NULL;
        component->environment = (functions != NULL) ? functions->componentEnvironment : NULL;
        for (size_t i = 0U; (instanceName != NULL) && (i < (NAME_SIZE - 1U)) && (instanceName[i] != '\0'); i++) {
            component->name[i] = instanceName[i]; /* the rest is zero */
        }
    } else if (functions != NULL) {
        log_error(functions->logger, functions->componentEnvironment, instanceName, message.text);
    } else {
        /* no one to tell */
    }
    return component;
}

void fmi2FreeInstance(fmi2Component c)
{
    free(c);
}

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime)
{
    component_t *const component = c;

    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    if (component != NULL) {
        component->fmu.state.time = startTime;
    }
    return (component != NULL) ? fmi2OK : fmi2Error;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c)
{
    component_t *const component = c;
    return (component == NULL) ? fmi2Error
                               : status_of(component, fmu_enter(&component->fmu, FMU_INSTANTIATED, FMU_INITIALIZING,
                                                                "fmi2EnterInitializationMode"));
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c)
{
    component_t *const component = c;
    fmi2Status status = fmi2Error;

    if (component != NULL) {
        const bool good = fmu_enter(&component->fmu, FMU_INITIALIZING, FMU_STEPPING, "fmi2ExitInitializationMode");

        if (good) {
            fmu_answer(&component->fmu);
        }
        status = status_of(component, good);
    }
    return status;
}

fmi2Status fmi2Terminate(fmi2Component c)
{
    component_t *const component = c;

    if (component != NULL) {
        fmu_terminate(&component->fmu);
    }
    return (component != NULL) ? fmi2OK : fmi2Error;
}

fmi2Status fmi2Reset(fmi2Component c)
{
    component_t *const component = c;

    if (component != NULL) {
        fmu_reset(&component->fmu);
    }
    return (component != NULL) ? fmi2OK : fmi2Error;
}

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        good = fmu_get_real(&component->fmu, vr[i], &value[i]);
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2GetInteger(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Integer value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        good = fmu_get_integer(&component->fmu, vr[i], &value[i]);
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2GetBoolean(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Boolean value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        bool is_true = false;
        good = fmu_get_boolean(&component->fmu, vr[i], &is_true);
        value[i] = is_true ? fmi2True : fmi2False;
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2GetString(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2String value[])
{
    (void)vr;
    (void)value;
    return (nvr == 0U) ? fmi2OK : refused(c, "There is no variable of the type String.");
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        good = fmu_set_real(&component->fmu, vr[i], value[i]);
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2SetInteger(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Integer value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        good = fmu_set_integer(&component->fmu, vr[i], (int64_t)value[i]);
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2SetBoolean(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Boolean value[])
{
    component_t *const component = c;
    bool good = (component != NULL);

    for (size_t i = 0U; good && (i < nvr); i++) {
        good = fmu_set_boolean(&component->fmu, vr[i], value[i] != fmi2False);
    }
    return (component == NULL) ? fmi2Error : status_of(component, good);
}

fmi2Status fmi2SetString(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2String value[])
{
    (void)vr;
    (void)value;
    return (nvr == 0U) ? fmi2OK : refused(c, "There is no variable of the type String.");
}

/* Memory for a state, if *FMUstate has none yet. */
static bool has_state(component_t *component, fmi2FMUstate *FMUstate)
{
    if (*FMUstate == NULL) {
        *FMUstate = calloc(1U, sizeof(fmu_state_t));
    }
    if (*FMUstate == NULL) {
        fmu_say(&component->fmu.message, "There must be memory for a saved state. Got none.");
    }
    return *FMUstate != NULL;
}

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate *FMUstate)
{
    component_t *const component = c;
    fmi2Status status = fmi2Error;

    if ((component != NULL) && (FMUstate != NULL)) {
        const bool good = has_state(component, FMUstate);

        if (good) {
            (void)memcpy(*FMUstate, &component->fmu.state, sizeof(fmu_state_t));
        }
        status = status_of(component, good);
    }
    return status;
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate)
{
    component_t *const component = c;
    const bool good = (component != NULL) && (FMUstate != NULL);

    if (good) {
        (void)memcpy(&component->fmu.state, FMUstate, sizeof(fmu_state_t));
    }
    return good ? fmi2OK : fmi2Error;
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate *FMUstate)
{
    if (FMUstate != NULL) {
        free(*FMUstate);
        *FMUstate = NULL;
    }
    return (c != NULL) ? fmi2OK : fmi2Error;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate FMUstate, size_t *size)
{
    *size = fmu_serialized_size();
    return ((c != NULL) && (FMUstate != NULL)) ? fmi2OK : fmi2Error;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size)
{
    component_t *const component = c;
    return ((component == NULL) || (FMUstate == NULL))
               ? fmi2Error
               : status_of(component, fmu_serialize(&component->fmu, FMUstate, (uint8_t *)serializedState, size));
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate *FMUstate)
{
    component_t *const component = c;
    fmi2Status status = fmi2Error;

    if ((component != NULL) && (FMUstate != NULL)) {
        fmu_state_t state;
        bool good = fmu_deserialize(&component->fmu, (const uint8_t *)serializedState, size, &state);

        good = good && has_state(component, FMUstate);
        if (good) {
            (void)memcpy(*FMUstate, &state, sizeof(state));
        }
        status = status_of(component, good);
    }
    return status;
}

fmi2Status fmi2GetDirectionalDerivative(fmi2Component c, const fmi2ValueReference vUnknown_ref[], size_t nUnknown,
                                        const fmi2ValueReference vKnown_ref[], size_t nKnown, const fmi2Real dvKnown[],
                                        fmi2Real dvUnknown[])
{
    (void)vUnknown_ref;
    (void)nUnknown;
    (void)vKnown_ref;
    (void)nKnown;
    (void)dvKnown;
    (void)dvUnknown;
    return refused(c, "Derivatives are not offered.");
}

fmi2Status fmi2SetRealInputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                       const fmi2Integer order[], const fmi2Real value[])
{
    (void)vr;
    (void)nvr;
    (void)order;
    (void)value;
    return refused(c, "Inputs are not interpolated: their derivatives cannot be set.");
}

fmi2Status fmi2GetRealOutputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                        const fmi2Integer order[], fmi2Real value[])
{
    (void)vr;
    (void)nvr;
    (void)order;
    (void)value;
    return refused(c, "Derivatives are not offered.");
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint)
{
    component_t *const component = c;

    (void)noSetFMUStatePriorToCurrentPoint;
    return (component == NULL)
               ? fmi2Error
               : status_of(component, fmu_step(&component->fmu, currentCommunicationPoint, communicationStepSize));
}

fmi2Status fmi2CancelStep(fmi2Component c)
{
    return refused(c, "A step is never pending: there is none to cancel.");
}

/* No step is pending and none is discarded, so none of these questions has an answer. */

fmi2Status fmi2GetStatus(fmi2Component c, const fmi2StatusKind s, fmi2Status *value)
{
    (void)c;
    (void)s;
    (void)value;
    return fmi2Discard;
}

fmi2Status fmi2GetRealStatus(fmi2Component c, const fmi2StatusKind s, fmi2Real *value)
{
    (void)c;
    (void)s;
    (void)value;
    return fmi2Discard;
}

fmi2Status fmi2GetIntegerStatus(fmi2Component c, const fmi2StatusKind s, fmi2Integer *value)
{
    (void)c;
    (void)s;
    (void)value;
    return fmi2Discard;
}

fmi2Status fmi2GetBooleanStatus(fmi2Component c, const fmi2StatusKind s, fmi2Boolean *value)
{
    (void)c;
    (void)s;
    (void)value;
    return fmi2Discard;
}

fmi2Status fmi2GetStringStatus(fmi2Component c, const fmi2StatusKind s, fmi2String *value)
{
    (void)c;
    (void)s;
    (void)value;
    return fmi2Discard;
}
