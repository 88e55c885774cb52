"""The network in integers: fixed point, and fixed point without multiplications."""

from acc_decel.export.fixed_point.arithmetic import fixed_answers as fixed_answers
from acc_decel.export.fixed_point.build import fixed_net as fixed_net
from acc_decel.export.fixed_point.shift_add import shift_net as shift_net
