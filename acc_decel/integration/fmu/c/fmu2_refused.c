/* The functions of FMI 2.0 for model exchange, which this FMU does not offer, as modelDescription.xml says. The
 * standard asks for them only where it is offered, but some importers look all functions up. Included after fmu2.c. */

#include "fmi2Functions.h"
#include "fmu_core.h"

static const char *const no_exchange = "Model exchange is not offered: this FMU is for co-simulation.";

fmi2Status fmi2EnterEventMode(fmi2Component c)
{
    return refused(c, no_exchange);
}

fmi2Status fmi2NewDiscreteStates(fmi2Component c, fmi2EventInfo *fmi2eventInfo)
{
    (void)fmi2eventInfo;
    return refused(c, no_exchange);
}

fmi2Status fmi2EnterContinuousTimeMode(fmi2Component c)
{
    return refused(c, no_exchange);
}

fmi2Status fmi2CompletedIntegratorStep(fmi2Component c, fmi2Boolean noSetFMUStatePriorToCurrentPoint,
                                       fmi2Boolean *enterEventMode, fmi2Boolean *terminateSimulation)
{
    (void)noSetFMUStatePriorToCurrentPoint;
    (void)enterEventMode;
    (void)terminateSimulation;
    return refused(c, no_exchange);
}

fmi2Status fmi2SetTime(fmi2Component c, fmi2Real time)
{
    (void)time;
    return refused(c, no_exchange);
}

fmi2Status fmi2SetContinuousStates(fmi2Component c, const fmi2Real x[], size_t nx)
{
    (void)x;
    (void)nx;
    return refused(c, no_exchange);
}

fmi2Status fmi2GetDerivatives(fmi2Component c, fmi2Real derivatives[], size_t nx)
{
    (void)derivatives;
    (void)nx;
    return refused(c, no_exchange);
}

fmi2Status fmi2GetEventIndicators(fmi2Component c, fmi2Real eventIndicators[], size_t ni)
{
    (void)eventIndicators;
    (void)ni;
    return refused(c, no_exchange);
}

fmi2Status fmi2GetContinuousStates(fmi2Component c, fmi2Real x[], size_t nx)
{
    (void)x;
    (void)nx;
    return refused(c, no_exchange);
}

fmi2Status fmi2GetNominalsOfContinuousStates(fmi2Component c, fmi2Real x_nominal[], size_t nx)
{
    (void)x_nominal;
    (void)nx;
    return refused(c, no_exchange);
}
