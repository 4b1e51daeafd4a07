; Functions, memory and loops: a chain of entangled qubits, of which each is flipped that the one before it asks for.
@qubits = internal constant [4 x ptr] [ptr null, ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 2 to ptr), ptr inttoptr (i64 3 to ptr)]
@angles = internal constant [2 x double] [double 0.4, double 0.9]
@chain = internal constant [6 x i8] c"chain\00"

define void @main() #0 {
entry:
  %i = alloca i64
  %ones = alloca [4 x i1]
  store i64 0, ptr %i
  br label %head

head:
  %k = load i64, ptr %i
  %more = icmp slt i64 %k, 4
  br i1 %more, label %body, label %last

body:
  %place = getelementptr [4 x ptr], ptr @qubits, i64 0, i64 %k
  %qubit = load ptr, ptr %place
  %odd = and i64 %k, 1
  %where = getelementptr inbounds [2 x double], ptr @angles, i64 0, i64 %odd
  %angle = load double, ptr %where
  %bit = call i1 @turn_and_measure(double %angle, ptr %qubit)
  %keep = getelementptr [4 x i1], ptr %ones, i64 0, i64 %k
  store i1 %bit, ptr %keep
  %next = add nsw i64 %k, 1
  store i64 %next, ptr %i
  br i1 %bit, label %flip, label %head

flip:
  %still = icmp ult i64 %next, 4
  br i1 %still, label %flip_next, label %head

flip_next:
  %after = getelementptr [4 x ptr], ptr @qubits, i64 0, i64 %next
  %other = load ptr, ptr %after
  call void @__quantum__qis__x__body(ptr %other)
  br label %head

last:
  %p0 = load i1, ptr %ones
  %a1 = getelementptr [4 x i1], ptr %ones, i64 0, i64 1
  %p1 = load i1, ptr %a1
  %a3 = getelementptr [4 x i1], ptr %ones, i64 0, i64 3
  %p3 = load i1, ptr %a3
  %some = or i1 %p0, %p1
  call void @__quantum__rt__tuple_record_output(i64 3, ptr @chain)
  call void @__quantum__rt__bool_record_output(i1 %p0, ptr null)
  call void @__quantum__rt__bool_record_output(i1 %p3, ptr null)
  call void @__quantum__rt__bool_record_output(i1 %some, ptr null)
  ret void
}

define internal i1 @turn_and_measure(double %angle, ptr %qubit) {
start:
  %small = fcmp olt double %angle, 0.5
  br i1 %small, label %double_it, label %go

double_it:
  %twice = fadd double %angle, %angle
  br label %go

go:
  %turn = phi double [ %angle, %start ], [ %twice, %double_it ]
  call void @__quantum__qis__ry__body(double %turn, ptr %qubit)
  call void @__quantum__qis__mz__body(ptr %qubit, ptr null)
  %found = call i1 @__quantum__qis__read_result__body(ptr null)
  ret i1 %found
}

declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr) #1
declare i1 @__quantum__qis__read_result__body(ptr)
declare void @__quantum__rt__tuple_record_output(i64, ptr)
declare void @__quantum__rt__bool_record_output(i1, ptr)

attributes #0 = { "entry_point" "qir_profiles"="adaptive_profile" "required_num_qubits"="4" "required_num_results"="1" }
attributes #1 = { "irreversible" }
