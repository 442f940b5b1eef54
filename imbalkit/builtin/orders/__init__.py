"""The built-in orders, one file each."""

from imbalkit.builtin.orders.balanced import Balanced
from imbalkit.builtin.orders.effective import Effective
from imbalkit.builtin.orders.natural import Natural
from imbalkit.builtin.orders.power import Power
from imbalkit.builtin.orders.progressive import Progressive
from imbalkit.builtin.orders.repeat_factor import RepeatFactor
from imbalkit.builtin.orders.stratified import Stratified
from imbalkit.kinds import Order

ORDERS: list[type[Order]] = [Balanced, Effective, Natural, Power, Progressive, RepeatFactor, Stratified]
