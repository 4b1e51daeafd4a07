; What measurements decide: a branch, a count, an angle, which qubit a gate is on, and a switch. Adaptive profile, QIR 2.
@count = internal constant [6 x i8] c"count\00"
@last = internal constant [5 x i8] c"last\00"
@even = internal constant [5 x i8] c"even\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(ptr null)
  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__ry__body(double 1.1, ptr inttoptr (i64 1 to ptr))
  call void @__quantum__qis__mresetz__body(ptr null, ptr null)
  call void @__quantum__qis__mresetz__body(ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 1 to ptr))
  %a = call i1 @__quantum__rt__read_result(ptr null)
  %b = call i1 @__quantum__rt__read_result(ptr inttoptr (i64 1 to ptr))
  br i1 %a, label %first, label %meet

first:
  call void @__quantum__qis__x__body(ptr inttoptr (i64 2 to ptr))
  br label %meet

meet:
  %angle = phi double [ 0.25, %entry ], [ 1.5, %first ]
  %qubit = phi ptr [ inttoptr (i64 2 to ptr), %entry ], [ inttoptr (i64 3 to ptr), %first ]
  %twice = fmul double %angle, 2.0
  call void @__quantum__qis__rx__body(double %twice, ptr %qubit)
  %x = zext i1 %a to i64
  %y = zext i1 %b to i64
  %sum = add i64 %x, %y
  switch i64 %sum, label %none [
    i64 1, label %one
    i64 2, label %two
  ]

none:
  br label %output

one:
  call void @__quantum__qis__h__body(ptr inttoptr (i64 2 to ptr))
  br label %output

two:
  call void @__quantum__qis__swap__body(ptr inttoptr (i64 2 to ptr), ptr inttoptr (i64 3 to ptr))
  br label %output

output:
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 2 to ptr), ptr inttoptr (i64 2 to ptr))
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 3 to ptr), ptr inttoptr (i64 3 to ptr))
  %rest = urem i64 %sum, 2
  %even = icmp eq i64 %rest, 0
  call void @__quantum__rt__int_record_output(i64 %sum, ptr @count)
  call void @__quantum__rt__bool_record_output(i1 %even, ptr @even)
  call void @__quantum__rt__array_record_output(i64 2, ptr @last)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 2 to ptr), ptr null)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 3 to ptr), ptr null)
  ret i64 0
}

declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__rx__body(double, ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__swap__body(ptr, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr) #1
declare void @__quantum__qis__mresetz__body(ptr, ptr) #1
declare i1 @__quantum__rt__read_result(ptr)
declare void @__quantum__rt__int_record_output(i64, ptr)
declare void @__quantum__rt__bool_record_output(i1, ptr)
declare void @__quantum__rt__array_record_output(i64, ptr)
declare void @__quantum__rt__result_record_output(ptr, ptr)

attributes #0 = { "entry_point" "output_labeling_schema" "qir_profiles"="adaptive_profile" "required_num_qubits"="4" "required_num_results"="4" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
