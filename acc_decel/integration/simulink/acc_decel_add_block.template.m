function block = acc_decel_add_block(model)
% ACC_DECEL_ADD_BLOCK  Adds the predictor to an open Simulink model, as a C Caller block.
%
%   block = acc_decel_add_block('my_model') adds source and header of this folder to the custom code of the model,
%   imports the structs as bus objects into the base workspace, and returns the path of the new block. Its inputs are
%   the bus acc_decel_simulink_factors_t and the mask of known factors (uint32), its output is the bus
%   acc_decel_simulink_answer_t. Run it every 10 ms. Call acc_decel_simulink_self_test once, by another C Caller block.
%
%   $stamp
folder = fileparts(mfilename('fullpath'));
header = fullfile(folder, 'acc_decel_simulink.h');
evalin('base', sprintf('Simulink.importExternalCTypes(''%s'');', header));
set_param(model, 'SimTargetLang', 'C');
append(model, 'SimUserIncludeDirs', folder);
append(model, 'SimUserSources', fullfile(folder, 'acc_decel_simulink.c'));
append(model, 'SimCustomHeaderCode', '#include "acc_decel_simulink.h"');
set_param(model, 'RTWUseSimCustomCode', 'on');
block = [model '/acc_decel_block'];
add_block('simulink/User-Defined Functions/C Caller', block);
set_param(block, 'FunctionName', 'acc_decel_simulink');
ports = get_param(block, 'FunctionPortSpecification');
ports.InputArguments(3).Scope = 'Output';
end

function append(model, setting, line)
% Adds a line to a setting of the model, unless it is there.
before = get_param(model, setting);
if isempty(before)
    set_param(model, setting, line);
elseif ~contains(before, line)
    set_param(model, setting, [before newline line]);
end
end
