// The macros of the samples.
#define TRY(name, expression)                 \
  auto name##_result = expression;            \
  if (!name##_result.ok()) co_return name##_result.verdict(); \
  auto& name = *name##_result
#define CHECK(expression)                     \
  do {                                        \
    auto verdict_ = expression;               \
    if (!verdict_.ok()) co_return verdict_;   \
  } while (0)
#define CHECK_IN_IF(expression) if (auto v = (expression); !v.ok()) co_return v
#define CHECK_EXPRESSION(expression) ({ auto v = (expression); v.value(); })
